"""Several files as one text, each below a line of its path, as `head` and `tail` print them (model/spec/snapshot/packed_snapshot.h)."""
import io

FIRST, LAST = "oomcast.snapshot.v1", "end"
ABOUT = "The kernel's own files of one machine, each below its path, for oomcast --host THIS_FILE.\n"


def sections(files):
    """The text of {path: text}, in the order of the paths."""
    for path, text in files.items():
        if text.startswith("==> ") or "\n==> " in text:
            raise ValueError(f"{path} has a line that begins with '==> ', as the lines above the files do")
    return "\n".join(f"==> {path} <==\n{text}" for path, text in sorted(files.items()))


def snapshot(files):
    """A host as oomcast reads it, with a first and a last section, so that a part is not taken for the whole."""
    return f"==> {FIRST} <==\n{ABOUT}\n{sections(files)}\n==> {LAST} <==\n"


def unpack(text):
    """{path: text}, without the first and the last section of a snapshot. The empty line between two belongs to neither."""
    files, path, lines = {}, None, []
    for line in [*io.StringIO(text, newline="\n"), f"==> {LAST} <=="]:
        if not line.startswith("==> "):
            lines.append(line)
            continue
        if path not in (None, FIRST, LAST):
            content = "".join(lines)
            is_last = line == f"==> {LAST} <=="  # ours, which nothing separates from a text without the section `end`
            files[path] = content if is_last else content.removesuffix("\n")
        path, lines = line.strip().removeprefix("==> ").removesuffix(" <=="), []
    return files
