"""The structures of ud2m_cuda_kernels.h for ctypes, and the table of kernels in kernels.c: both read from their sources."""

import ctypes
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "CUDA"
SCALARS = {
    "int": ctypes.c_int,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "unsigned": ctypes.c_uint,
}


def read_header():
    """Constants by name and structures by name without their prefix."""
    text = re.sub(r"//.*", "", (ROOT / "include" / "ud2m_cuda_kernels.h").read_text())
    constants = {name: int(value) for name, value in re.findall(r"#define (UD2M_CUDA_\w+) (\d+)", text)}
    for body in re.findall(r"typedef enum \w+ \{(.*?)\}", text, re.S):
        constants.update((name, int(value)) for name, value in re.findall(r"(\w+) = (\d+)", body))
    structures = {}
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", text, re.S):
        fields = []
        for declaration in filter(None, (part.strip() for part in body.split(";"))):
            kind, names = re.fullmatch(r"(?:const )?(\w+) (.*)", declaration, re.S).groups()
            for item in (part.strip() for part in names.split(",")):
                pointer, field, count = re.fullmatch(r"(\*?)(\w+)(?:\[(\w+)\])?", item).groups()
                base = SCALARS.get(kind) or structures.get(kind.removeprefix("ud2m_cuda_"))
                base = ctypes.c_uint64 if pointer else base
                fields.append((field, base * (constants.get(count) or int(count)) if count else base))
        short = name.removeprefix("ud2m_cuda_")
        structures[short] = type(short, (ctypes.Structure,), {"_fields_": fields})
    return constants, structures


CONSTANTS, STRUCTURES = read_header()


def make(name, **values):
    """A structure with some fields set; lists fill arrays from the start."""
    result = STRUCTURES[name]()
    for field, value in values.items():
        if isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                getattr(result, field)[index] = item
        else:
            setattr(result, field, value)
    return result


def kernel_table():
    """Name → (module, threads, tile pixels, tile channels, dynamic shared bytes) as kernels.c lists them."""
    rows = re.findall(
        r'\{"(\w+)", UD2M_CUDA_MODULE_(\w+), (\d+), (\d+), (\d+), (\d+)\}', (ROOT / "kernels.c").read_text()
    )
    return {name: (module.lower(), *map(int, numbers)) for name, module, *numbers in rows}
