import json
import os
import sys

PATH = os.environ.get("NOTES_FILE", os.path.expanduser("~/.notes.json"))


def load():
    try:
        with open(PATH) as f:
            return json.load(f)
    except:
        return []


def save(notes):
    with open(PATH, "w") as f:
        json.dump(notes, f)


def show(notes):
    for n in notes:
        print(n["id"], n["text"], "[" + n["tag"] + "]" if n["tag"] else "", "(done)" if n["done"] else "")


def main(argv):
    if not argv:
        print("usage: notes add|list|search|done|delete|export")
        return 1
    command = argv[0]
    notes = load()
    if command == "add":
        tag = argv[argv.index("--tag") + 1] if "--tag" in argv else None
        notes.append({"id": len(notes) + 1, "text": argv[1], "tag": tag, "done": False})
        save(notes)
    elif command == "list":
        if "--tag" in argv:
            tag = argv[argv.index("--tag") + 1]
            notes = [n for n in notes if n["tag"] == tag]
        if "--json" in argv:
            print(json.dumps(notes))
        else:
            show(notes)
    elif command == "search":
        show([n for n in notes if argv[1] in n["text"]])
    elif command == "done":
        note = [n for n in notes if n["id"] == int(argv[1])][0]
        note["done"] = True
        save(notes)
    elif command == "delete":
        notes = [n for n in notes if n["id"] != int(argv[1])]
        save(notes)
    elif command == "export":
        with open(argv[1], "w") as f:
            for n in notes:
                f.write(n["text"] + "\n")
    else:
        print("unknown command")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
