# @title Install kdlite where it is missing
def set_up(source, *needs):
    """Install what the chapter lacks, and leave the host's torch and numpy be.

    `source` is where kdlite comes from; KDLITE_SOURCE, a wheel, a folder or an
    address for pip, takes its place. `needs` are other packages of the chapter.
    """
    import importlib.util
    import os
    import subprocess
    import sys
    import tempfile
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    def found(name):
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    spec = importlib.util.find_spec("kdlite")
    here = spec and spec.origin  # a folder named kdlite has a spec, too
    missing = [name for name in needs if not found(name)]
    if here and not missing:
        return
    source = os.environ.get("KDLITE_SOURCE") or source
    if not source:
        lacks = ", ".join(missing if here else ["kdlite"])
        raise ModuleNotFoundError(
            f"not installed: {lacks}; set the variable KDLITE_SOURCE to the "
            "wheel, folder or address that pip is to install kdlite from"
        )
    if "://" not in source:
        source = Path(source).absolute().as_uri()
    print("Installing kdlite from", source)
    with tempfile.TemporaryDirectory() as folder:
        keep = Path(folder, "keep.txt")
        host = {name: found(name) for name in ("numpy", "torch")}
        keep.write_text("".join(f"{n}=={v}\n" for n, v in host.items() if v))
        extras = "book,lm" if "torch" in needs else "book"
        wanted = f"kdlite[{extras}] @ {source}"
        pip = [sys.executable, "-m", "pip", "--no-color", "install", "--quiet"]
        done = subprocess.run(
            [*pip, "--constraint", str(keep), wanted],
            capture_output=True,
            text=True,
        )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["pip said nothing"]
        errors = [line for line in said if line.startswith("ERROR")]
        raise ModuleNotFoundError(
            f"kdlite could not be installed: {[*errors, said[-1]][0]}; "
            "check KDLITE_SOURCE and the network"
        )
    importlib.invalidate_caches()
