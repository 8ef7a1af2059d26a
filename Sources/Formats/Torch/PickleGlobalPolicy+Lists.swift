extension PickleGlobalPolicy {
    /// Values of PyTorch that occur in honest files beside tensors.
    static let torchValues: Set<String> = [
        "torch.per_tensor_affine", "torch.per_tensor_symmetric", "torch.per_channel_affine",
        "torch.per_channel_symmetric", "torch.per_channel_affine_float_qparams", "torch.strided", "torch.sparse_coo",
        "torch.sparse_csr", "torch.sparse_csc", "torch.sparse_bsr", "torch.sparse_bsc", "torch.contiguous_format",
        "torch.channels_last", "torch.preserve_format", "torch.Tensor", "torch._tensor.Tensor", "torch.tensor.Tensor",
        "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.nn.parameter.UninitializedParameter",
        "torch._utils._set_obj_state",
    ]

    /// Packages whose classes are inert data in checkpoints.
    static let inertPackages: [String] = [
        "torch.nn.modules", "torch.nn.parallel", "torch.nn.utils.parametrize", "torch.nn.utils.parametrizations",
        "torch.optim", "torch.ao.nn", "pytorch_lightning", "lightning", "lightning_fabric", "omegaconf", "enum",
        "torchvision.models", "torchvision.ops", "__torch__", "torch.distributed.checkpoint.metadata",
    ]

    /// Single classes that are inert data in checkpoints.
    static let inertNames: Set<String> = [
        "argparse.Namespace", "torch.autograd.variable.Variable", "torch.autograd.Variable", "torch.nn.Parameter",
        "types.SimpleNamespace", "typing.Any", "uuid.UUID", "decimal.Decimal",
        "fractions.Fraction", "collections.UserDict", "collections.UserList", "numpy.random._pickle.__randomstate_ctor",
        "numpy.random._pickle.__generator_ctor", "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._mt19937.MT19937", "numpy.random._pcg64.PCG64", "numpy.random.mtrand.RandomState",
        "torch._C.Generator", "transformers.training_args.TrainingArguments",
        "transformers.trainer_utils.IntervalStrategy", "transformers.trainer_utils.SchedulerType",
    ]

    /// Packages that run code, start processes, reach the network or the file system, or load other pickles.
    static let deniedPackages: Set<String> = [
        "os", "posix", "nt", "posixpath", "ntpath", "genericpath", "subprocess", "_posixsubprocess", "sys", "importlib",
        "_frozen_importlib", "_frozen_importlib_external", "_imp", "imp", "zipimport", "pkgutil", "runpy", "pickle",
        "pickletools", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle", "socket", "_socket",
        "socketserver", "ssl", "shutil", "ctypes", "_ctypes", "cffi", "webbrowser", "pty", "code", "codeop",
        "multiprocessing", "_multiprocessing", "concurrent", "threading", "_thread", "signal", "tempfile", "io", "_io",
        "asyncio", "http", "urllib", "urllib3", "requests", "aiohttp", "httpx", "ftplib", "smtplib", "poplib",
        "imaplib",
        "telnetlib", "nntplib", "xmlrpc", "paramiko", "pdb", "bdb", "timeit", "profile", "cProfile", "trace", "doctest",
        "unittest", "pytest", "pip", "setuptools", "distutils", "ensurepip", "venv", "site", "sysconfig", "_sysconfig",
        "gc", "inspect", "linecache", "pydoc", "platform", "antigravity", "idlelib", "lib2to3", "operator", "_operator",
        "fileinput", "glob", "mmap", "fcntl", "resource", "syslog", "winreg", "_winreg", "_winapi", "msvcrt", "cgi",
        "sqlite3", "dbm", "logging", "ast", "symtable", "dis", "atexit", "faulthandler", "builtins.__import__", "sched",
        "wsgiref", "turtle", "tkinter", "readline", "rlcompleter", "cmd", "commands", "nturl2path", "mailcap", "uu",
        "tarfile", "zipfile", "tracemalloc", "test", "torch.hub", "torch.utils.cpp_extension", "torch.utils.bottleneck",
        "torch.utils.collect_env", "torch.utils.model_zoo", "torch.utils._config_module", "torch._dynamo",
        "torch._inductor", "torch._compile", "torch.fx", "torch.jit", "torch.package", "torch.testing",
        "torch.distributed.rpc", "torch.distributed.launcher", "torch.distributed.elastic", "torch.distributed.run",
        "torch.multiprocessing", "torch.onnx", "torch.export", "torch.ops", "torch._ops", "numpy.f2py",
        "numpy.testing", "numpy.distutils", "numpy.ctypeslib", "pandas.io", "pandas.core.computation", "nltk",
        "torch.classes", "torch._classes", "torch._appdirs", "torch._C._jit", "numpy.lib._npyio_impl",
        "_osx_support", "_aix_support", "_bootsubprocess", "_pyrepl", "_pyio", "_testcapi", "_interpreters",
        "_xxsubinterpreters", "_sqlite3", "select", "selectors", "pwd", "termios", "tty", "py_compile", "compileall",
        "zipapp", "modulefinder", "tabnanny", "gzip", "bz2", "lzma", "filecmp", "mailbox", "netrc", "plistlib", "wave",
        "sndhdr", "curses", "configparser", "yaml", "sympy", "jinja2", "mako", "psutil", "IPython", "ipykernel",
        "fabric",
        "invoke", "plumbum", "execnet", "docker", "boto3", "botocore", "pyximport", "Cython", "hydra", "fire",
        "numexpr",
        "huggingface_hub", "keras", "tensorflow", "matplotlib", "PIL.ImageMath", "transformers.pipelines", "ray",
        "dask",
        "numba", "django", "flask", "sh", "pexpect", "gdown", "wget",
    ]

    /// Single functions that run code or load other files.
    static let deniedNames: Set<String> = [
        "builtins.eval", "builtins.exec", "builtins.compile", "builtins.open", "builtins.__import__",
        "builtins.globals", "builtins.locals", "builtins.vars", "builtins.setattr", "builtins.delattr",
        "builtins.hasattr", "builtins.dir", "builtins.input", "builtins.breakpoint", "builtins.exit", "builtins.quit",
        "builtins.help", "builtins.map", "builtins.filter", "builtins.apply", "builtins.execfile", "builtins.file",
        "builtins.type", "builtins.super", "builtins.classmethod", "builtins.staticmethod", "builtins.property",
        "builtins.memoryview", "builtins.callable", "builtins.iter", "builtins.next", "builtins.reload",
        "builtins.__build_class__", "functools.reduce", "functools.partialmethod", "functools.singledispatch",
        "functools.cached_property", "itertools.starmap", "itertools.accumulate", "types.CodeType",
        "types.FunctionType", "types.LambdaType", "types.MethodType", "types.ModuleType", "types.new_class",
        "copyreg.__newobj_ex__", "copyreg.add_extension", "copyreg.pickle", "copyreg.constructor", "codecs.open",
        "codecs.decode", "_codecs.decode", "numpy.load", "numpy.loads", "numpy.fromfile", "numpy.memmap",
        "numpy.genfromtxt", "numpy.loadtxt", "numpy.save", "numpy.savetxt", "numpy.vectorize", "numpy.apply_along_axis",
        "numpy.lib.npyio.load", "numpy.core.multiarray.fromfile", "torch.load", "torch.save",
        "torch.serialization.load", "torch.serialization.save", "torch.serialization._load",
        "torch.serialization._legacy_load", "torch.from_file", "torch.storage.UntypedStorage.from_file",
        "torch._utils._get_async_or_non_blocking", "torch._utils._import_dotted_name", "torch.compile",
        "pandas.read_pickle", "pandas.eval",
    ]

    /// Parts of dotted names that give their purpose away wherever they occur.
    static let deniedParts: Set<String> = [
        "__globals__", "__builtins__", "__import__", "__subclasses__", "__class__", "__base__", "__bases__", "__mro__",
        "__getattribute__", "__getattr__", "__reduce__", "__reduce_ex__", "__init__", "__call__", "__code__",
        "__dict__", "__loader__", "__spec__", "eval", "exec", "execfile", "system", "popen", "spawn", "load_module",
        "import_module",
    ]
}
