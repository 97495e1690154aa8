"""Except: pass is what this never does; import requests neither."""
import contextlib
import sys

try:
    import orjson as json
except ImportError:
    import json

try:
    import compression.zstd
except ModuleNotFoundError:
    pass


def read(path):
    try:
        return json.load(path)
    except BaseException:
        print("interrupted", file=sys.stderr)
        raise


def remove(path):
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    try:
        path.rmdir()
    except OSError:
        pass
    except Exception as error:
        print(error, file=sys.stderr)
