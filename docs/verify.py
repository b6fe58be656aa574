#!/usr/bin/env python3
"""Verifies a bundle to V1 and V4, written from docs/spec/bundle.md, ledger.md and canonical.md alone.

Usage: verify.py BUNDLE ed25519:KEY...     exit 0: verified, 1: not, 2: wrong usage
Needs the packages `blake3` and `cryptography`. The keys are those whose signatures count, learnt in
another way than from the bundle.
"""
import base64, hashlib, json, re, sys
from blake3 import blake3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MIB = 1 << 20
MEMBERS = [  # every member there is: its place in the order, its name, the most bytes it may have
    (0, r"manifest\.json", MIB), (1, r"checkpoints\.notes", 64 * MIB), (2, r"consistency\.proofs", 64 * MIB),
    (3, r"entries/\d{16}", 8 * MIB + 65536), (3, r"entries/\d{16}\.proofs", 8 * MIB),
    (4, r"blobs/[0-9a-f]{64}", 64 * MIB), (5, r"sealed/[0-9a-f]{64}", 64 * MIB + 168)]
HEADER = set("at_ms body index kind log prev seq trajectory v writer".split())
MANIFEST = set("absent blobs checkpoints entries format keys log size trajectory v withheld".split())
KINDS = set("""root message usage intent rejection pending_approval approval superseded started commit failure reconciled
    delegation delegation_result branch skill_bound writ_issued writ_revoked policy_loaded policy_unloaded mode_changed
    tools_pinned erased closed""".split())
NUMBER = "0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)([.][0-9]*[1-9])?(e[+-][1-9][0-9]*)?"

class Wrong(Exception):
    """What is wrong, in a sentence."""

def need(holds, words):
    if not holds:
        raise Wrong(words)

# Canonical JSON. A number is kept as it is spelled, so that it is written again as it was read.

class Raw(str):
    def __new__(cls, text):
        whole = re.fullmatch("-?[0-9]+", text)
        need(re.fullmatch(NUMBER, text) and text != "-0", f"{text} is no canonical number")
        need(not whole or abs(int(text)) < 1 << 53, f"{text} is a number that cannot be kept")
        return super().__new__(cls, text)

def deep(value, levels):
    inside = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return levels < 0 or any(deep(one, levels - 1) for one in inside)

def count(value, what):  # a whole number from 0 on, and no text that looks like one
    need(isinstance(value, Raw) and re.fullmatch("0|[1-9][0-9]*", value), f"{what} is no count")
    return int(value)

def hexes(value, what):
    text = isinstance(value, str) and not isinstance(value, Raw)
    need(text and re.fullmatch("[0-9a-f]{64}", value), f"{what} is no id")

def canonical(value):
    if isinstance(value, Raw):
        return str(value)
    if value is None or isinstance(value, (str, bool)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in keys) + "}"

def parse(data, what):
    try:
        value = json.loads(data.decode("utf-8"), parse_int=Raw, parse_float=Raw)
        need(not deep(value, 64), f"{what} is nested too deep")
        need(canonical(value).encode("utf-8") == data, f"{what} is not canonical JSON")
    except (ValueError, RecursionError) as error:
        raise Wrong(f"{what} is no JSON: {error}") from error
    return value

def derive(context, data):
    return blake3(data, derive_key_context=context).digest()

# The archive: each member's name and content, checked byte for byte on the way.

def header_of(name, size):
    field = lambda text, width: text.encode().ljust(width, b"\0")
    before = field(name, 100) + field("0000644", 8) + field("0000000", 8) * 2 + field(f"{size:011o}", 12) + field("0" * 11, 12)
    behind = b"0" + field("", 100) + b"ustar\x0000" + field("", 64) + field("0000000", 8) * 2 + field("", 167)
    return before + f"{sum(before) + sum(behind) + 8 * 32:06o}\0 ".encode() + behind

def members(file):
    last = (-1, "")
    while (block := file.read(512)) != bytes(512):
        need(len(block) == 512, "it was cut")
        name, size = block[:100].rstrip(b"\0").decode("ascii", "replace"), block[124:135]
        place, _, most = next((one for one in MEMBERS if re.fullmatch(one[1], name)), (None, None, None))
        need(place is not None, f"no bundle has a member {name!r}")
        packed = re.fullmatch(rb"[0-7]{11}", size) and header_of(name, int(size, 8)) == block
        need(packed, f"member {name!r} is not packed as a bundle's is")
        need(last < (place, name), f"member {name!r} stands out of order, or twice")
        size, last = int(size, 8), (place, name)
        need(size <= most, f"member {name!r} is larger than {most} bytes")
        data, filling = file.read(size), file.read(-size % 512)
        need(len(data) == size and len(filling) == -size % 512, "it was cut")
        need(not any(filling), f"member {name!r} is not packed as a bundle's is")
        yield name, data
    need(file.read(512) == bytes(512) and file.read(1) == b"", "it was cut, or something stands behind its end")

# The tree.

def leaf(entry_id):
    return hashlib.sha256(b"\0" + entry_id).digest()

def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()

def climb(at, last, proof, old, new):  # RFC 6962, 2.1: up a path, whose left siblings are of the old tree too
    for other in proof:
        if last == 0:
            return None, None
        if at & 1 or at == last:
            old, new = node(other, old), node(other, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, other)
        at, last = at >> 1, last >> 1
    return (old, new) if last == 0 else (None, None)

def included(index, size, root, value, proof):
    return index < size and climb(index, size - 1, proof, value, value)[1] == root

def goes_on(old, old_root, new, new_root, proof):
    if old == new:
        return not proof and old_root == new_root
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    proof = ([old_root] if old & (old - 1) == 0 else []) + proof
    return bool(proof) and climb(at, last, proof[1:], proof[0], proof[0]) == (old_root, new_root)

def decode(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Wrong(f"{text!r} is no base64") from error
    need(base64.b64encode(data).decode() == text, f"{text!r} is no base64")
    return data

def proofs(data):
    need(data.endswith(b"\n"), "a line of a proof does not end")
    lines = data[:-1].decode("ascii", "replace").split("\n")
    return [[decode(word) for word in line.split(" ")] if line else [] for line in lines]

# Signatures.

def signed(key, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False

def tagged(text, size):
    fits = isinstance(text, str) and re.fullmatch("ed25519:[0-9a-f]{%d}" % (2 * size), text)
    need(fits, f"{text!r} is no key or signature")
    return bytes.fromhex(text[8:])

def checkpoint(note, log, keys):
    """Size and root of a note that one of the keys signed."""
    text, _, below = note.partition("\n\n")
    name, lines, signers = f"thymos/{log}", text.split("\n"), 0
    own = len(lines) == 3 and lines[0] == name and re.fullmatch("0|[1-9][0-9]*", lines[1])
    need(own, "a checkpoint is not one of this log")
    bounded = len(note.encode()) < 16 * 1024 and len(below.split("\n")) <= 64
    need(bounded, f"the checkpoint of {lines[1]} entries is longer than one may be")
    for line in below.split("\n"):
        match = re.fullmatch("\u2014 ([^ +]+) ([^ ]+)", line)
        odd = match and any(c.isspace() or c < " " or "\x7f" <= c <= "\x9f" for c in match[1])
        need(match and not odd, "a signature line of a checkpoint is none")
        data = decode(match[2])
        need(len(data) >= 4, "a signature line of a checkpoint is none")
        for key in keys:
            if match[1] == name and data[:4] == hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]:
                holds = signed(key, (text + "\n").encode(), data[4:])
                need(holds, f"a signature under the checkpoint of {lines[1]} entries does not hold")
                signers += 1
    need(signers, f"nobody who was named signed the checkpoint of {lines[1]} entries")
    return int(lines[1]), decode(lines[2])

def checkpoints(data, log, keys):
    try:
        text = data.decode("utf-8")
    except ValueError as error:
        raise Wrong("the checkpoints are no text") from error
    halves = text[:-2].split("\n\n")
    need(text.endswith("\n\n") and len(halves) % 2 == 0, "the checkpoints are cut")
    notes = [checkpoint("\n\n".join(pair), log, keys) for pair in zip(halves[::2], halves[1::2])]
    need([size for size, _ in notes] == sorted({size for size, _ in notes}), "the checkpoints are not in order")
    return notes

class Signatures:
    """V4: every signature in a body, by the key named there, which must be one that the reader was given."""

    def __init__(self, keys):
        self.keys, self.subjects, self.checked = keys, {}, 0

    def holds(self, domain, key, value, signature, trusted=True):
        message = value if isinstance(value, bytes) else canonical(value).encode()
        key, framed = tagged(key, 32), f"thymos v1 sign {domain}\n".encode() + message
        need(signed(key, framed, tagged(signature, 64)), f"the signature of a {domain} does not hold")
        need(not trusted or key in self.keys, f"a {domain} is signed by a key that was not named: ed25519:{key.hex()}")
        self.checked += 1

    def check(self, kind, body):
        if kind == "writ_issued":
            writ, given = body["writ"]["writ"], body["writ"]["signature"]
            parent, issuer = writ["parent"], writ["issuer"]["key"]
            self.holds("writ", issuer, writ, given, trusted=parent is None)
            need(body["id"] == derive("thymos v1 writ", canonical(writ).encode()).hex(), "a writ has another id")
            need(self.subjects.get(parent, issuer) == issuer, "a writ was not issued by the subject of its parent")
            self.subjects[body["id"]] = writ["subject"]["key"]
        elif kind == "approval":
            answer = body["signed"]["answer"]
            self.holds("answer", answer["by"]["key"], answer, body["signed"]["signature"])
        elif kind == "writ_revoked":  # by the operator, or by whoever was given the writ above it
            message = [body["writ"], body["reason"]] + ([body["used"]] if "used" in body else [])
            self.holds("revocation", body["by"]["key"], message, body["signature"], trusted=False)
        elif kind == "reconciled":
            message = [body[field] for field in ("proposal", "started", "resolution", "reason")]
            self.holds("reconciliation", body["by"]["key"], message, body["signature"])
        elif kind == "erased":
            message = [body[field] for field in ("entry", "seq", "reason")]
            self.holds("erasure", body["by"]["key"], message, body["signature"])
        elif kind == "policy_loaded" and body["signed_by"] is not None:
            self.holds("policy", body["signed_by"], body["bundle"], body.get("signature"))
        elif kind == "skill_bound" and body.get("signed"):
            self.holds("skill", body["signed"]["signer"], body["definition"], body["signed"]["signature"], trusted=False)
        elif kind in ("started", "pending_approval"):
            proposal, proof = body["decided"]["proposal"], body["decided"]["facts"]["possession"]
            intent, batch = derive("thymos v1 intent", canonical(proposal["intent"]).encode()).hex(), proof["batch"]
            need(intent in batch, "an intent is not in its batch")
            subject = self.subjects.get(proposal["writs"][-1])
            if subject is not None:  # the writ may be withheld, erased, or on a trajectory that is not here
                self.holds("batch", subject, b"".join(map(bytes.fromhex, batch)), proof["signature"], trusted=False)

# The entries, one after the other.

MAY_GO = "message intent rejection pending_approval started commit failure delegation delegation_result".split()

class Log:
    def __init__(self, manifest, keys):
        self.manifest, self.excerpt, self.signatures = manifest, manifest["trajectory"] is not None, Signatures(keys)
        self.count, self.next, self.lines, self.edge, self.roots = 0, 0, {}, [], {}
        self.bare, self.erased, self.refs, self.withheld, self.kept = {}, {}, set(), 0, {}

    def member(self, name, data, proof, notes):
        """The entries of one member, three lines each."""
        need(data.endswith(b"\n") and notes, "the entries are cut, or stand before the checkpoints")
        lines = data[:-1].split(b"\n")
        need(len(lines) % 3 == 0 and len(lines) <= 3 * 1024, "an entry is not three lines, or there are too many")
        need(self.excerpt == (proof is not None), "proofs stand where there is nothing to prove, or the other way round")
        need(proof is None or len(proof) == len(lines) // 3, "there is not a proof for each entry")
        first, wanted = None, {size for size, _ in notes}
        for at in range(len(lines) // 3):
            self.push(*lines[3 * at:3 * at + 3], proof[at] if proof else [], notes[-1][1])
            first = self.next - 1 if first is None else first
            if not self.excerpt and self.count in wanted:
                self.roots[self.count] = self.root()
        need(name == f"entries/{first:016}", f"{name} does not begin with the entry that its name says")

    def push(self, header, salt, body, proof, root):
        where, said = f"the entry at index {self.next}", self.manifest
        head, entry = parse(header, f"the header of {where}"), derive("thymos v1 entry", header)
        need(set(head) == HEADER and count(head["v"], "a version") == 1, f"{where} has no header of version 1")
        index, kind, line = count(head["index"], "an index"), head["kind"], head["trajectory"]
        need(kind in KINDS, f"{where} is of a kind that nobody knows: {kind!r}")
        count(head["at_ms"], "a time"), count(head["seq"], "a sequence number"), tagged(head["writer"], 32)
        for field in ("body", "log", "trajectory") + (("prev",) if head["prev"] is not None else ()):
            hexes(head[field], f"the {field} of {where}")
        need(index >= self.next if self.excerpt else index == self.next, f"{where} says index {index}")
        need(head["log"] == said["log"], f"{where} is of another log")
        need(not self.excerpt or line == said["trajectory"], f"{where} is of another trajectory")
        seq, prev = self.lines.get(line, (0, None))
        need((int(head["seq"]), head["prev"]) == (seq, prev), f"{where} does not follow the entry before it")
        self.lines[line], self.next = (seq + 1, entry.hex()), index + 1
        proved = not self.excerpt or included(index, int(said["size"]), root, leaf(entry), proof)
        need(proved, f"{where} is not proved to stand in the log")
        self.grow(leaf(entry))
        withheld = kind in said["withheld"]["kinds"] or head["index"] in said["withheld"]["entries"]
        if (salt, body) == (b"-", b"-"):
            self.withheld += withheld
            need(withheld or kind in MAY_GO, f"the body of {where} is gone, and a {kind} is never erased")
            self.bare.update({} if withheld else {(line, seq): (entry.hex(), where)})
            return
        need(not withheld, f"{where} is there, and was said to be withheld")
        salted = re.fullmatch(rb"[0-9a-f]{64}", salt) and blake3(body, key=bytes.fromhex(salt.decode())).hexdigest()
        need(salted == head["body"], f"the body of {where} is not the committed one")
        body = parse(body, f"the body of {where}")
        if kind == "erased":
            self.erased[line, int(body["seq"])] = body["entry"]
        if kind == "commit":
            values = [value for delta in body["outcome"]["deltas"] for value in (delta["before"], delta["after"])]
            images = [value["file"] for value in values if value and "file" in value] + [body["outcome"]["output"]]
            digests = {image["digest"] for image in images if image}
            self.refs.update(digests)
            self.kept.update({digest: where for digest in digests - set(body["unkept"])} if "unkept" in body else {})
        if kind == "failure" and "unkept" in body:
            values = [value for delta in body["fault"]["deltas"] for value in (delta["before"], delta["after"])]
            digests = {value["file"]["digest"] for value in values if value and "file" in value} - set(body["unkept"])
            self.refs.update(digests)
            self.kept.update({digest: where for digest in digests})
        self.signatures.check(kind, body)

    def grow(self, value):
        self.count += 1
        size = self.count
        while size & 1 == 0:
            value, size = node(self.edge.pop(), value), size >> 1
        self.edge.append(value)

    def root(self):
        value = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            value = node(left, value)
        return value

def blob(folder, digest, data):
    if folder == "blobs":
        return derive("thymos v1 blob", data).hex() == digest
    whole = data.startswith(b"thymos sealed 1\n") and len(data) >= 104
    return whole and data[16:48].hex() == digest and derive("thymos v1 sealed blob", data[:-32]) == data[-32:]

def said(manifest):
    """The manifest, if it has the form that the specification gives it."""
    need(set(manifest) == MANIFEST, "the manifest has other fields")
    for field in ("absent", "blobs", "checkpoints", "entries", "size"):
        count(manifest[field], f"`{field}` of the manifest")
    hexes(manifest["log"], "`log` of the manifest")
    if manifest["trajectory"] is not None:
        hexes(manifest["trajectory"], "`trajectory` of the manifest")
    withheld = manifest["withheld"]
    need(set(withheld) == {"entries", "kinds"}, "what was withheld has other fields")
    indexes = [count(index, "an index that was withheld") for index in withheld["entries"]]
    words = withheld["kinds"]
    need(isinstance(words, list) and all(type(word) is str for word in words), "a kind that was withheld is no word")
    ordered = all(all(a < b for a, b in zip(one, one[1:])) for one in (indexes, words))
    need(ordered and len(indexes) <= 4096 and len(words) <= 64, "what was withheld is too long or not in order")
    need("erased" not in words, "an `erased` entry cannot be withheld")
    need(isinstance(manifest["keys"], list) and len(manifest["keys"]) <= 1024, "the manifest names too many keys")
    for key in manifest["keys"]:
        need(set(key) == {"name", "key"} and type(key["name"]) is str, "a key of the manifest is none")
        tagged(key["key"], 32)
    entries, size = int(manifest["entries"]), int(manifest["size"])
    fits = entries == size if manifest["trajectory"] is None else entries <= size
    need(entries and fits, "the manifest counts other entries than there can be")

def verify(path, keys):
    with open(path, "rb") as file:
        parts = members(file)
        name, data = next(parts, (None, b""))
        need(name == "manifest.json", "it is no bundle")
        manifest = parse(data, "the manifest")
        version = isinstance(manifest.get("v"), Raw) and manifest["v"]
        need((manifest.get("format"), version) == ("thymos bundle", "1"), "it is no bundle of version 1")
        said(manifest)
        log, notes, links, blobs, unproved = Log(manifest, keys), [], None, set(), None
        for name, data in parts:
            folder, _, file_name = name.partition("/")
            if name == "checkpoints.notes":
                notes = checkpoints(data, manifest["log"], keys)
            elif name == "consistency.proofs":
                links = proofs(data)
            elif name.endswith(".proofs"):
                need(unproved and name == unproved[0] + ".proofs", "proofs of nothing")
                log.member(*unproved, proofs(data), notes)
                unproved = None
            elif folder == "entries":
                need(unproved is None, "an entry is not proved")
                unproved = (name, data)
                if not log.excerpt:
                    log.member(*unproved, None, notes)
                    unproved = None
            else:
                need(file_name not in blobs and blob(folder, file_name, data), f"{name} is not what its name says")
                blobs.add(file_name)
    need(notes and unproved is None, "there is no checkpoint, or an entry is not proved")
    found = (log.count, len(notes), len(blobs), notes[-1][0])
    told = tuple(int(manifest[field]) for field in ("entries", "checkpoints", "blobs", "size"))
    need(found == told, "it does not hold what its manifest says")
    size, root = notes[-1]
    if log.excerpt:
        need(links is not None and len(links) == len(notes), "it does not prove that its checkpoints go on")
        linked = all(goes_on(*note, size, root, link) for note, link in zip(notes, links))
        need(linked, "the last checkpoint does not go on from another")
    else:
        under = links is None and log.count == size and all(log.roots[at] == value for at, value in notes)
        need(under, "the entries are not those under the checkpoints")
    for place, (entry, where) in log.bare.items():
        need(log.erased.get(place) == entry, f"the body of {where} is gone, and nothing says so")
    need(blobs <= log.refs, "a blob is there that no entry refers to")
    need(len(log.refs - blobs) == int(manifest["absent"]), "a blob is missing")
    for digest, where in log.kept.items():
        need(digest in blobs, f"{where} says that a blob was kept, and it is missing")
    return (f"verified: {log.count} entries under the checkpoint of {size}, {log.signatures.checked} signatures in them, "
            f"{log.withheld} bodies withheld, {len(log.bare)} erased, {len(blobs)} blobs")

def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(verify(sys.argv[1], [tagged(key, 32) for key in sys.argv[2:]]))
        return 0
    except (Wrong, OSError) as wrong:
        print(f"NOT verified: {wrong}")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as shape:
        print(f"NOT verified: something has another shape than the specification says: {shape!r}")
    return 1

if __name__ == "__main__":
    sys.exit(main())
