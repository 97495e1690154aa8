import contextlib

with contextlib.suppress(Exception):
    print()
for x in y:
    try:
        print()
    except (ValueError, Exception):
        continue
try:
    print()
except:
    print()
