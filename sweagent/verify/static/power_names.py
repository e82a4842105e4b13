"""Names by which source code gets at what decides its own judgement."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache


class PowerKind(StrEnum):
    """What a power lets code do."""

    COMPARISON = "decides how its values compare"
    HOOKS = "decides what attributes or class its values seem to have"
    EXECUTION = "runs code that is data"
    FRAMES = "looks at frames, tracebacks or objects that it was not given"
    IMPORTS = "changes how modules are loaded, or reaches into them by name"
    EXITS = "acts when the process ends, or ends it"
    CONCURRENCY = "goes on in another thread or process"
    HOST = "asks who runs it, and where"
    FILES = "writes source or test files"
    RUNNER = "uses a test runner"
    UNREADABLE = "cannot be read"


_K = PowerKind
Names = Mapping[PowerKind, str]
"""Words by kind, divided by white space."""


@cache
def _by_word(*groups: tuple[PowerKind, str]) -> Mapping[str, PowerKind]:
    return {word: kind for kind, words in groups for word in words.split()}


def kind_of(table: Names, word: str) -> PowerKind | None:
    """The kind of a word; None when it is no power."""
    return _by_word(*table.items()).get(word)


def kind_of_dotted(table: Names, dotted: str) -> PowerKind | None:
    """The kind of a dotted name, by the longest beginning of it that is a power."""
    while dotted:
        found = kind_of(table, dotted)
        if found:
            return found
        dotted = dotted.rpartition(".")[0]
    return None


PYTHON_HOOKS: Names = {
    _K.COMPARISON: "__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __cmp__ __bool__ __nonzero__ __hash__ __contains__",
    _K.HOOKS: "__getattribute__ __getattr__ __class__ __instancecheck__ __subclasscheck__ __subclasshook__"
    " __mro_entries__ __prepare__",
    _K.EXITS: "__del__",
}
"""Methods that the language calls by itself: where they are defined, assigned, or named in a string."""

PYTHON_BUILTINS: Names = {
    _K.EXECUTION: "exec eval compile execfile",
    _K.IMPORTS: "__import__ __builtins__",
}
"""Builtins that are powers where they are called or handed on."""

PYTHON_NAMES: Names = {
    _K.COMPARISON: "unittest.mock.ANY",
    _K.HOOKS: "types.new_class",
    _K.EXECUTION: "marshal pickle.loads pickle.load pickle.Unpickler cPickle dill cloudpickle shelve types.CodeType"
    " types.FunctionType runpy code.InteractiveInterpreter codeop zipimport timeit cProfile profile pdb bdb trace"
    " sys.addaudithook sqlite3.Connection.create_function",
    _K.FRAMES: "sys._getframe sys._current_frames sys.settrace sys.setprofile sys.monitoring sys.gettrace"
    " threading.settrace threading.setprofile inspect.currentframe inspect.stack inspect.trace inspect.getouterframes"
    " inspect.getinnerframes traceback.extract_stack traceback.format_stack traceback.print_stack traceback.walk_stack"
    " traceback.walk_tb traceback.extract_tb traceback.StackSummary gc ctypes faulthandler tracemalloc dis",
    _K.IMPORTS: "sys.modules sys.meta_path sys.path_hooks sys.path_importer_cache sys.path importlib.util"
    " importlib.abc importlib.machinery importlib.reload importlib._bootstrap importlib.invalidate_caches imp builtins"
    " codecs.register encodings site __main__",
    _K.EXITS: "atexit os._exit os.abort os.kill os.killpg signal weakref.finalize sys.excepthook"
    " sys.unraisablehook threading.excepthook sys.exitfunc",
    _K.CONCURRENCY: "threading.Thread threading.Timer threading._register_atexit threading.enumerate _thread"
    " multiprocessing os.fork os.forkpty os.execv os.execve os.execvp os.execvpe os.execl os.execle os.execlp"
    " os.spawnl os.spawnv os.spawnve os.posix_spawn pty",
    _K.HOST: "os.environ os.environb os.getenv os.putenv sys.argv sys.orig_argv sys.flags sys.dont_write_bytecode"
    " sys.pycache_prefix sys.hash_info sys.warnoptions sys._xoptions os.getpid os.getppid os.uname os.getlogin"
    " os.times os.getloadavg os.getuid os.geteuid platform.node platform.uname socket.gethostname socket.if_nameindex"
    " getpass.getuser pwd psutil resource sys.stdin.isatty sys.stdout.isatty sys.stderr.isatty os.isatty logging.root"
    " logging._handlers logging._handlerList os.fstat os.dup stat.S_ISFIFO stat.S_ISCHR stat.S_ISREG stat.S_ISSOCK"
    " warnings.filters sys.getallocatedblocks sys.getrefcount sys.displayhook sys.__stdout__ sys.__stderr__"
    " threading.active_count linecache.cache tempfile.gettempdir"
    " django.core.mail.outbox django.conf.settings.ALLOWED_HOSTS django.conf.settings.DATABASES"
    " django.conf.settings.EMAIL_BACKEND sys.stdout.__class__ sys.stderr.__class__",
    _K.RUNNER: "pytest _pytest pluggy unittest unittest2 nose xdist doctest hypothesis",
}
"""Modules, and members of modules, that are powers by themselves."""

PYTHON_ATTRIBUTES: Names = {
    _K.EXECUTION: "__code__ co_code co_consts",
    _K.FRAMES: "f_back f_globals f_locals f_builtins f_code f_lineno tb_frame tb_next tb_lineno gi_frame cr_frame"
    " ag_frame __traceback__ _getframe findCaller __subclasses__ __closure__ __globals__ cell_contents",
    _K.IMPORTS: "__loader__ __cached__",
    _K.EXITS: "_exit",
    _K.HOST: "hasHandlers settings_dict in_atomic_block savepoint_ids _dont_enforce_csrf_checks",
}
"""Attributes that are powers whatever they are read from."""

JAVASCRIPT_NAMES: Names = {
    _K.EXECUTION: "eval Function vm WebAssembly wasi",
    _K.FRAMES: "Error.prepareStackTrace Error.captureStackTrace Error.stackTraceLimit async_hooks inspector v8"
    " diagnostics_channel",
    _K.IMPORTS: "require.cache require.extensions require.main Module._load Module._resolveFilename"
    " Module._extensions module.constructor module.parent module.register process.binding process._linkedBinding",
    _K.EXITS: "process.exit process.abort process.reallyExit process.kill process.on process.once process.exitCode"
    " process.emit process._exiting",
    _K.CONCURRENCY: "worker_threads cluster child_process",
    _K.HOST: "process.env process.argv process.argv0 process.execArgv process.execPath process.pid process.ppid"
    " process.title process.stdout.isTTY process.stderr.isTTY process.uptime process.report process.features"
    " os.hostname os.userInfo os.loadavg",
    _K.RUNNER: "node:test test node:assert assert mocha jest vitest chai sinon",
}
"""The same for JavaScript and TypeScript; a module counts where it is imported, its members where they are used."""

PLAIN_OF_PROCESS = frozenset(
    {"nextTick", "cwd", "chdir", "stdout", "stderr", "stdin", "platform", "arch", "version", "versions", "release"}
    | {"hrtime", "memoryUsage", "umask", "emitWarning"}
)
"""Members of Node's `process` by which code tells nothing of who runs it."""

JAVASCRIPT_PROPERTIES: Names = {
    _K.COMPARISON: "toPrimitive valueOf hasInstance isConcatSpreadable",
    _K.HOOKS: "__proto__ setPrototypeOf defineProperty defineProperties __defineGetter__ __lookupGetter__",
}
"""Properties that are powers whatever they belong to."""
