"""Compiles the CUDA kernels to PTX and records what they need of a multiprocessor.

Run it through generate.sh, which provides the compilers. PTX is made by one pinned NVRTC; ptxas of a newer toolkit then
compiles it for current architectures and reports registers. NVRTC's output is nearly always the same byte for byte, but
the order of some moves depends on where its memory lies: about one compilation of conv_f32 in three differs. So a committed
file is taken as what its source gives if one of a few compilations gives it, and what is written is what most of them give.
"""

import argparse
import collections
import ctypes
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "CUDA"
OPTIONS = ["--gpu-architecture=compute_80", "--std=c++17", "-default-device"]
ATTEMPTS = 12
ARCHITECTURES = ["sm_80", "sm_90", "sm_100", "sm_120"]


class Compiler:
    """NVRTC, loaded from a wheel."""

    def __init__(self, library):
        self.library = ctypes.CDLL(str(library))

    def check(self, status):
        if status:
            self.library.nvrtcGetErrorString.restype = ctypes.c_char_p
            sys.exit(f"NVRTC: {self.library.nvrtcGetErrorString(status).decode()}")

    def text(self, program, kind):
        size = ctypes.c_size_t()
        self.check(getattr(self.library, f"nvrtcGet{kind}Size")(program, ctypes.byref(size)))
        buffer = ctypes.create_string_buffer(size.value)
        self.check(getattr(self.library, f"nvrtcGet{kind}")(program, buffer))
        return buffer.value.decode()

    def compile(self, source):
        program = ctypes.c_void_p()
        self.check(
            self.library.nvrtcCreateProgram(
                ctypes.byref(program), source.read_bytes(), source.name.encode(), 0, None, None
            )
        )
        # Relative paths would depend on the working directory; none of them reaches the output.
        options = OPTIONS + [f"-I{ROOT / 'include'}", f"-I{ROOT / 'kernels'}"]
        encoded = [option.encode() for option in options]
        status = self.library.nvrtcCompileProgram(program, len(encoded), (ctypes.c_char_p * len(encoded))(*encoded))
        log = self.text(program, "ProgramLog").strip()
        if log:
            print(log, file=sys.stderr)
        if status:
            sys.exit(f"{source.name} does not compile.")
        ptx = self.text(program, "PTX")
        self.library.nvrtcDestroyProgram(ctypes.byref(program))
        return ptx


REPORT = re.compile(
    r"Compiling entry function '(?P<name>\w+)' for '(?P<architecture>\w+)'.*?"
    r"(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads.*?"
    r"Used (?P<registers>\d+) registers(?P<rest>[^\n]*)",
    re.S,
)


def measure(ptxas, ptx, architecture):
    """Kernel → (registers, static shared bytes, stack bytes, spilled bytes)."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as output:
        run = subprocess.run(
            [ptxas, "-v", f"-arch={architecture}", str(ptx), "-o", output.name], capture_output=True, text=True
        )
    if run.returncode:
        sys.exit(f"{ptx.name} for {architecture}: {run.stdout}{run.stderr}")
    result = {}
    for found in REPORT.finditer(run.stdout + run.stderr):
        shared = re.search(r"(\d+) bytes smem", found["rest"])
        result[found["name"]] = (
            int(found["registers"]),
            int(shared[1]) if shared else 0,
            int(found["stack"]),
            int(found["stores"]) + int(found["loads"]),
        )
    return result


def table(measured):
    lines = [
        "# Registers",
        "",
        "Registers a thread of every kernel, as ptxas assigns them, and the bytes of shared memory that it declares;",
        "memory that the launch adds is in `kernels.c`. No kernel spills. Written by `Tools/cuda/generate.sh`.",
        "",
        "| kernel | " + " | ".join(ARCHITECTURES) + " | shared |",
        "|---|" + "---:|" * (len(ARCHITECTURES) + 1),
    ]
    for kernel in sorted(measured):
        reports = measured[kernel]
        # sm_90 and later keep some of it for themselves, so the first architecture's is what the source asks for.
        cells = [str(reports[architecture][0]) for architecture in ARCHITECTURES]
        lines.append(f"| {kernel} | " + " | ".join(cells) + f" | {reports[ARCHITECTURES[0]][1]} |")
    return "\n".join(lines) + "\n"


def sums(folder):
    """What `sha256sum` prints for the sources and for what was made of them: a test compares it with the files."""
    files = sorted((ROOT / "kernels").iterdir()) + [ROOT / "include" / "ud2m_cuda_kernels.h"] + sorted(folder.glob("*.ptx"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(ROOT).as_posix()}" for path in files]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nvrtc", required=True, help="libnvrtc.so.12")
    parser.add_argument("--ptxas", help="ptxas, to measure registers")
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing them")
    parser.add_argument("names", nargs="*", help="only these kernels' files, such as conv_f16")
    arguments = parser.parse_args()
    compiler = Compiler(arguments.nvrtc)
    folder = ROOT / "ptx"
    folder.mkdir(exist_ok=True)
    different = []

    def leave(path, text):
        if not arguments.check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            different.append(path.name)

    sources = sorted((ROOT / "kernels").glob("*.cu"))
    if unknown := set(arguments.names) - {source.stem for source in sources}:
        sys.exit("There are no kernels of these names: " + ", ".join(sorted(unknown)))
    if arguments.names:
        sources = [source for source in sources if source.stem in arguments.names]
    elif expected := {source.stem for source in sources}:
        different += [path.name for path in folder.glob("*.ptx") if path.stem not in expected]
    measured = {}
    for source in sources:
        path = folder / f"{source.stem}.ptx"
        committed = path.read_text() if path.exists() else None
        compiled = collections.Counter()
        for _ in range(ATTEMPTS):
            compiled[compiler.compile(source)] += 1
            if committed in compiled:
                break
        # Committed files stay as they are unless their source gives something else.
        leave(path, committed if committed in compiled else compiled.most_common(1)[0][0])
        for architecture in ARCHITECTURES if arguments.ptxas and path.exists() else []:
            for kernel, report in measure(arguments.ptxas, path, architecture).items():
                measured.setdefault(kernel, {})[architecture] = report
    if arguments.ptxas and not measured:
        sys.exit("ptxas reports no kernel that this program understands")
    spills = [
        f"{kernel} spills {report[3]} bytes on {architecture} (stack {report[2]})"
        for kernel, reports in measured.items()
        for architecture, report in reports.items()
        if report[3] or report[2]
    ]
    if measured and not arguments.names:
        leave(folder / "REGISTERS.md", table(measured))
    elif measured:
        print(table(measured))
    if not arguments.names:
        leave(folder / "SHA256SUMS", sums(folder))
    if spills:
        sys.exit("\n".join(spills))
    if different:
        sys.exit("Not what the sources give; run Tools/cuda/generate.sh: " + ", ".join(sorted(different)))


main()
