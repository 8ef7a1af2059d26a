"""A few calls of the CUDA driver through ctypes: enough to load PTX, move arrays and launch kernels."""

import ctypes

import numpy

from structures import ROOT, kernel_table

DYNAMIC_SHARED_BYTES = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES


class Driver:
    """One device, its loaded modules and the buffers of the case that runs."""

    def __init__(self, library):
        self.library = ctypes.CDLL(library)
        self.kernels = kernel_table()
        self.modules = {}
        self.functions = {}
        self.buffers = []
        self.call("cuInit", 0)
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments)
        if status:
            raise RuntimeError(f"{name}: error {status}{self.explanation()}")

    def explanation(self):
        """What the test driver says in addition; a real one has no such function."""
        if not hasattr(self.library, "ud2m_testdriver_fault"):
            return ""
        self.library.ud2m_testdriver_fault.restype = ctypes.c_char_p
        return ": " + (self.library.ud2m_testdriver_fault() or b"").decode()

    def function(self, name):
        if name not in self.functions:
            module_name = self.kernels[name][0]
            if module_name not in self.modules:
                module = ctypes.c_void_p()
                text = (ROOT / "ptx" / f"{module_name}.ptx").read_bytes() + b"\0"
                self.call("cuModuleLoadDataEx", ctypes.byref(module), text, 0, None, None)
                self.modules[module_name] = module
            function = ctypes.c_void_p()
            self.call("cuModuleGetFunction", ctypes.byref(function), self.modules[module_name], name.encode())
            shared = self.kernels[name][4]
            if shared > 48 << 10:
                self.call("cuFuncSetAttribute", function, DYNAMIC_SHARED_BYTES, shared)
            self.functions[name] = function
        return self.functions[name]

    def upload(self, array):
        """The device address of a copy."""
        array = numpy.ascontiguousarray(array)
        address = self.allocate(array.nbytes)
        self.call("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(address), array.ctypes.data_as(ctypes.c_void_p),
                  ctypes.c_size_t(array.nbytes), None)
        self.call("cuStreamSynchronize", None)
        return address

    def allocate(self, size):
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(max(size, 1)))
        self.buffers.append(address)
        return address.value

    def download(self, address, shape, kind):
        array = numpy.empty(shape, kind)
        self.call("cuMemcpyDtoHAsync_v2", array.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(address),
                  ctypes.c_size_t(array.nbytes), None)
        self.call("cuStreamSynchronize", None)
        return array

    def launch(self, name, grid, structure):
        threads, shared = self.kernels[name][1], self.kernels[name][4]
        function = self.function(name)
        grid = list(grid) + [1] * (3 - len(grid))
        arguments = (ctypes.c_void_p * 1)(ctypes.cast(ctypes.byref(structure), ctypes.c_void_p))
        self.call("cuLaunchKernel", function, *grid, threads, 1, 1, shared, None, arguments, None)
        self.call("cuStreamSynchronize", None)

    def free(self):
        for address in self.buffers:
            self.call("cuMemFree_v2", address)
        self.buffers = []
