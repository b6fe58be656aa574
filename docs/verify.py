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
LIMITS = [  # every member there is, in order, with the most bytes it may have
    (r"manifest\.json", MIB), (r"checkpoints\.notes", 64 * MIB), (r"consistency\.proofs", 64 * MIB),
    (r"entries/\d{16}", 8 * MIB + 65536), (r"entries/\d{16}\.proofs", 8 * MIB),
    (r"blobs/[0-9a-f]{64}", 64 * MIB), (r"sealed/[0-9a-f]{64}", 64 * MIB + 168)]
RANK = {"manifest.json": 0, "checkpoints.notes": 1, "consistency.proofs": 2, "entries": 3, "blobs": 4, "sealed": 5}

class Wrong(Exception):
    """What is wrong, in a sentence."""

def need(holds, words):
    if not holds:
        raise Wrong(words)

class Raw(str):
    """A number as it is spelled, so that it is written again as it was read."""

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
    """Canonical JSON: read, written again and compared, which also finds a key that stands twice."""
    try:
        value = json.loads(data.decode("utf-8"), parse_int=Raw, parse_float=Raw)
        need(canonical(value).encode("utf-8") == data, f"{what} is not canonical JSON")
    except (ValueError, RecursionError) as error:
        raise Wrong(f"{what} is no JSON: {error}") from error
    return value

def derive(context, data):
    return blake3(data, derive_key_context=context).digest()

def header_of(name, size):
    field = lambda text, width: text.encode().ljust(width, b"\0")
    before = field(name, 100) + field("0000644", 8) + field("0000000", 8) * 2 + field(f"{size:011o}", 12) + field("0" * 11, 12)
    behind = b"0" + field("", 100) + b"ustar\x0000" + field("", 64) + field("0000000", 8) * 2 + field("", 167)
    return before + f"{sum(before) + sum(behind) + 8 * 32:06o}\0 ".encode() + behind

def members(file):
    """Each member's name and content, checked byte for byte on the way."""
    last = (-1, "")
    while True:
        block = file.read(512)
        need(len(block) == 512, "it was cut")
        if block == bytes(512):
            need(file.read(512) == bytes(512) and file.read(1) == b"", "it was cut, or something stands behind its end")
            return
        name, size = block[:100].rstrip(b"\0").decode("ascii", "replace"), block[124:135]
        limit = next((most for form, most in LIMITS if re.fullmatch(form, name)), None)
        need(limit is not None, f"no bundle has a member {name!r}")
        need(re.fullmatch(rb"[0-7]{11}", size), f"member {name!r} is not packed as a bundle's is")
        size = int(size, 8)
        need(header_of(name, size) == block, f"member {name!r} is not packed as a bundle's is")
        here = (RANK[name.split("/")[0]], name)
        need(last < here, f"member {name!r} stands out of order, or twice")
        need(size <= limit, f"member {name!r} is larger than {limit} bytes")
        data, last = file.read(size), here
        need(len(data) == size, "it was cut")
        need(file.read(-size % 512) == bytes(-size % 512), f"member {name!r} is not packed as a bundle's is")
        yield name, data

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

def signed(key, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False

def tagged(text, size):
    need(isinstance(text, str) and re.fullmatch("ed25519:[0-9a-f]{%d}" % (2 * size), text), f"{text!r} is no key or signature")
    return bytes.fromhex(text[8:])

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

def checkpoint(note, log, keys):
    """Size and root of a note that one of the keys signed."""
    text, _, below = note.partition("\n\n")
    name = f"thymos/{log}"
    lines = text.split("\n")
    need(len(lines) == 3 and lines[0] == name and re.fullmatch("0|[1-9][0-9]*", lines[1]), "a checkpoint is not one of this log")
    signers = 0
    for line in below.split("\n"):
        match = re.fullmatch("\u2014 ([^ +]+) ([^ ]+)", line)
        need(match, "a signature line of a checkpoint is none")
        data = decode(match[2])
        for key in keys:
            if match[1] == name and data[:4] == hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]:
                need(signed(key, (text + "\n").encode(), data[4:]), f"a signature under the checkpoint of {lines[1]} entries does not hold")
                signers += 1
    need(signers, f"nobody who was named signed the checkpoint of {lines[1]} entries")
    return int(lines[1]), decode(lines[2])

class Signatures:
    """V4: every signature inside a body, by the key that is named in it, which somebody was given."""

    def __init__(self, keys):
        self.keys, self.subjects, self.checked = keys, {}, 0

    def holds(self, domain, key, value, signature, trusted=True):
        message = value if isinstance(value, bytes) else canonical(value).encode()
        self.checked += 1
        key = tagged(key, 32)
        need(signed(key, f"thymos v1 sign {domain}\n".encode() + message, tagged(signature, 64)), f"the signature of a {domain} does not hold")
        need(not trusted or key in self.keys, f"a {domain} is signed by a key that was not named: ed25519:{key.hex()}")

    def check(self, kind, body, excerpt):
        if kind == "writ_issued":
            writ = body["writ"]["writ"]
            parent, issuer = writ["parent"], writ["issuer"]["key"]
            self.holds("writ", issuer, writ, body["writ"]["signature"], trusted=parent is None)
            need(body["id"] == derive("thymos v1 writ", canonical(writ).encode()).hex(), "a writ has another id")
            need(parent not in self.subjects or self.subjects[parent] == issuer, "a writ was not issued by the subject of its parent")
            self.subjects[body["id"]] = writ["subject"]["key"]
        elif kind == "approval":
            answer = body["signed"]["answer"]
            self.holds("answer", answer["by"]["key"], answer, body["signed"]["signature"])
        elif kind == "writ_revoked":
            used = [body["used"]] if "used" in body else []
            self.holds("revocation", body["by"]["key"], [body["writ"], body["reason"]] + used, body["signature"], trusted=False)
        elif kind == "reconciled":
            message = [body[field] for field in ("proposal", "started", "resolution", "reason")]
            self.holds("reconciliation", body["by"]["key"], message, body["signature"])
        elif kind == "policy_loaded" and body["signed_by"] is not None:
            self.holds("policy", body["signed_by"], body["bundle"], body.get("signature"))
        elif kind == "skill_bound" and body.get("signed"):
            self.holds("skill", body["signed"]["signer"], body["definition"], body["signed"]["signature"], trusted=False)
        elif kind in ("started", "pending_approval"):  # possession: the batch that holds the intent, by the last writ's subject
            proposal, proof = body["decided"]["proposal"], body["decided"]["facts"]["possession"]
            subject = self.subjects.get(proposal["writs"][-1])
            need(derive("thymos v1 intent", canonical(proposal["intent"]).encode()).hex() in proof["batch"], "an intent is not in its batch")
            if subject is not None:  # its writ may be withheld, erased, or in an excerpt on another trajectory
                self.holds("batch", subject, b"".join(map(bytes.fromhex, proof["batch"])), proof["signature"], trusted=False)

class Log:
    """The entries, one after the other."""

    def __init__(self, manifest, keys):
        self.manifest, self.excerpt = manifest, manifest["trajectory"] is not None
        self.count, self.next, self.lines, self.edge = 0, 0, {}, []
        self.roots, self.bare, self.erased, self.refs, self.withheld = {}, {}, set(), set(), 0
        self.signatures = Signatures(keys)

    def push(self, header, salt, body, proof, root):
        head, where = parse(header, f"the header of entry {self.count}"), f"the entry at index {self.next}"
        need(set(head) == set("at_ms body index kind log prev seq trajectory v writer".split()) and head["v"] == "1", f"{where} has no header of version 1")
        index, entry = int(head["index"]), derive("thymos v1 entry", header)
        need(index >= self.next if self.excerpt else index == self.next, f"{where} says index {index}")
        need(head["log"] == self.manifest["log"], f"{where} is of another log")
        need(not self.excerpt or head["trajectory"] == self.manifest["trajectory"], f"{where} is of another trajectory")
        seq, prev = self.lines.get(head["trajectory"], (0, None))
        need((int(head["seq"]), head["prev"]) == (seq, prev), f"{where} does not follow the entry before it")
        self.lines[head["trajectory"]] = (seq + 1, entry.hex())
        self.count, self.next = self.count + 1, index + 1
        if self.excerpt:
            need(included(index, int(self.manifest["size"]), root, leaf(entry), proof), f"{where} is not proved to stand in the log")
        self.grow(leaf(entry))
        hidden = self.manifest["withheld"]
        withheld = head["kind"] in hidden["kinds"] or head["index"] in hidden["entries"]
        if (salt, body) == (b"-", b"-"):
            self.withheld += withheld
            self.bare.update({} if withheld else {entry.hex(): where})
            return
        need(not withheld, f"{where} is there, and was said to be withheld")
        need(re.fullmatch(rb"[0-9a-f]{64}", salt) and blake3(body, key=bytes.fromhex(salt.decode())).hexdigest() == head["body"], f"the body of {where} is not the committed one")
        self.read(head["kind"], parse(body, f"the body of {where}"))

    def grow(self, value):
        size = self.count
        while size & 1 == 0:
            value, size = node(self.edge.pop(), value), size >> 1
        self.edge.append(value)

    def root(self):
        value = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            value = node(left, value)
        return value

    def read(self, kind, body):
        if kind == "erased":
            self.erased.add(body["entry"])
        if kind == "commit":
            outcome = body["outcome"]
            images = [value["file"] for delta in outcome["deltas"] for value in (delta["before"], delta["after"]) if value and "file" in value]
            self.refs.update(image["digest"] for image in images + [outcome["output"]] if image)
        self.signatures.check(kind, body, self.excerpt)

def verify(path, keys):
    with open(path, "rb") as file:
        parts = members(file)
        name, data = next(parts, (None, b""))
        need(name == "manifest.json", "it is no bundle")
        manifest = parse(data, "the manifest")
        need(manifest.get("format") == "thymos bundle" and manifest.get("v") == "1", "it is no bundle of version 1")
        need("erased" not in manifest["withheld"]["kinds"], "an `erased` entry cannot be withheld")
        log, notes, links, blobs, pending = Log(manifest, keys), [], None, {}, None
        for name, data in parts:
            folder = name.split("/")[0]
            if name == "checkpoints.notes":
                texts = data.decode("utf-8", "replace")
                need(texts.endswith("\n\n"), "the checkpoints are cut")
                halves = texts[:-2].split("\n\n")
                pairs = ["\n\n".join(pair) for pair in zip(halves[::2], halves[1::2])]
                need(len(halves) == 2 * len(pairs), "the checkpoints are cut")
                notes = [checkpoint(note, manifest["log"], keys) for note in pairs]
                need([size for size, _ in notes] == sorted({size for size, _ in notes}), "the checkpoints are not in order")
                need(notes[-1][0] == int(manifest["size"]), "its last checkpoint is of another size")
            elif name == "consistency.proofs":
                links = proofs(data)
            elif folder == "entries" and not log.excerpt:
                take(log, name, data, None, notes)
            elif folder == "entries" and not name.endswith(".proofs"):
                need(pending is None, "an entry is not proved")
                pending = (name, data)
            elif folder == "entries":
                need(pending and name == pending[0] + ".proofs", "proofs of nothing")
                take(log, *pending, proofs(data), notes)
                pending = None
            else:
                digest = name.split("/")[1]
                need(digest not in blobs, f"{name} stands there twice")
                own = derive("thymos v1 blob", data).hex() == digest if folder == "blobs" else sealed(data) == digest
                need(own, f"{name} is not what its name says")
                blobs[digest] = True
    need(pending is None and notes, "an entry is not proved, or there is no checkpoint")
    need((log.count, len(notes), len(blobs)) == tuple(int(manifest[of]) for of in ("entries", "checkpoints", "blobs")), "it does not hold what its manifest says")
    size, root = notes[-1]
    if log.excerpt:
        need(links is not None and len(links) == len(notes), "it does not prove that its checkpoints go on")
        need(all(goes_on(*note, size, root, link) for note, link in zip(notes, links)), "the last checkpoint does not go on from another")
    else:
        need(links is None and log.count == size and all(log.roots[at] == value for at, value in notes), "the entries are not those under the checkpoints")
    for entry, where in log.bare.items():
        need(entry in log.erased, f"the body of {where} is gone, and nothing says so")
    need(set(blobs) <= log.refs, "a blob is there that no entry refers to")
    need(len(log.refs - set(blobs)) == int(manifest["absent"]), "a blob is missing")
    return (f"verified: {log.count} entries under the checkpoint of {size}, {log.signatures.checked} signatures in them, "
            f"{log.withheld} bodies withheld, {len(log.bare)} erased, {len(blobs)} blobs")

def take(log, name, data, proof, notes):
    """The entries of one member, three lines each."""
    need(data.endswith(b"\n") and notes, "the entries are cut, or stand before the checkpoints")
    lines = data[:-1].split(b"\n")
    need(len(lines) % 3 == 0 and len(lines) <= 3 * 1024, "an entry is not three lines, or there are too many")
    need(proof is None or len(proof) == len(lines) // 3, "there is not a proof for each entry")
    first, wanted = None, {size for size, _ in notes}
    for at in range(len(lines) // 3):
        log.push(*lines[3 * at:3 * at + 3], proof[at] if proof else [], notes[-1][1])
        first = log.next - 1 if first is None else first
        if not log.excerpt and log.count in wanted:
            log.roots[log.count] = log.root()
    need(name == f"entries/{first:016}", f"{name} does not begin with the entry that its name says")

def sealed(data):
    """The digest of what a sealed envelope holds; none where it is not whole."""
    whole = data.startswith(b"thymos sealed 1\n") and len(data) >= 104
    return data[16:48].hex() if whole and derive("thymos v1 sealed blob", data[:-32]) == data[-32:] else None

def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        keys = [tagged(key, 32) for key in sys.argv[2:]]
        print(verify(sys.argv[1], keys))
    except (Wrong, OSError) as wrong:
        print(f"NOT verified: {wrong}")
        return 1
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as shape:
        print(f"NOT verified: something has another shape than the specification says: {shape!r}")
        return 1
    return 0

if __name__ == "__main__":
    sys.exit(main())
