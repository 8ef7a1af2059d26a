extension PickleGlobal {
    /// The Python-3 spelling of a name that protocol 2 writes as Python 2 had it (`formats.md` §3.3).
    ///
    /// Applied before any table is consulted, so that `__builtin__.eval` and `builtins.eval` are one thing.
    package var normalisedFromPython2: PickleGlobal {
        if let moved = python2Names[self] { return moved }
        if let module = python2Modules[module] { return PickleGlobal(module: module, name: name) }
        return self
    }
}

private func global(_ module: String, _ name: String) -> PickleGlobal { PickleGlobal(module: module, name: name) }

private let python2Names: [PickleGlobal: PickleGlobal] = [
    global("__builtin__", "reduce"): global("functools", "reduce"),
    global("__builtin__", "xrange"): global("builtins", "range"),
    global("__builtin__", "long"): global("builtins", "int"),
    global("__builtin__", "unicode"): global("builtins", "str"),
    global("__builtin__", "str"): global("builtins", "bytes"),
    global("__builtin__", "basestring"): global("builtins", "str"),
    global("__builtin__", "unichr"): global("builtins", "chr"),
    global("__builtin__", "raw_input"): global("builtins", "input"),
    global("__builtin__", "intern"): global("sys", "intern"),
    global("itertools", "izip"): global("builtins", "zip"),
    global("itertools", "imap"): global("builtins", "map"),
    global("itertools", "ifilter"): global("builtins", "filter"),
    global("UserDict", "UserDict"): global("collections", "UserDict"),
    global("UserList", "UserList"): global("collections", "UserList"),
    global("UserString", "UserString"): global("collections", "UserString"),
    global("UserDict", "IterableUserDict"): global("collections", "UserDict"),
    global("os", "getcwdu"): global("os", "getcwd"),
    global("socket", "_socketobject"): global("socket", "SocketType"),
]

private let python2Modules: [String: String] = [
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "Queue": "queue",
    "SocketServer": "socketserver",
    "ConfigParser": "configparser",
    "repr": "reprlib",
    "Tkinter": "tkinter",
    "commands": "subprocess",
    "cPickle": "pickle",
    "_pickle": "pickle",
    "StringIO": "io",
    "cStringIO": "io",
    "_abcoll": "collections.abc",
    "dbm": "dbm.ndbm",
    "anydbm": "dbm",
    "gdbm": "dbm.gnu",
    "dbhash": "dbm.bsd",
    "dumbdbm": "dbm.dumb",
    "whichdb": "dbm",
    "thread": "_thread",
    "dummy_thread": "_dummy_thread",
    "urllib2": "urllib.request",
    "urlparse": "urllib.parse",
    "robotparser": "urllib.robotparser",
    "xmlrpclib": "xmlrpc.client",
    "DocXMLRPCServer": "xmlrpc.server",
    "SimpleXMLRPCServer": "xmlrpc.server",
    "httplib": "http.client",
    "HTMLParser": "html.parser",
    "htmlentitydefs": "html.entities",
    "Cookie": "http.cookies",
    "cookielib": "http.cookiejar",
    "BaseHTTPServer": "http.server",
    "SimpleHTTPServer": "http.server",
    "CGIHTTPServer": "http.server",
    "exceptions": "builtins",
]
