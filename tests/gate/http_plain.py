"""An HTTP client that hides nothing, and signatures of its own, for tests/gate/requests."""
import datetime
import hashlib
import hmac
import re
import socket
import time
import urllib.parse

EMPTY = hashlib.sha256(b"").hexdigest()


def quote(s, safe="/~"):
    return urllib.parse.quote(s, safe=safe)


class Answer:
    def __init__(self):
        self.status, self.headers, self.body, self.interim, self.framing = 0, [], b"", [], ""
        self.trailers, self.reason = [], ""

    def header(self, name):
        for k, v in self.headers:
            if k.lower() == name:
                return v
        return None


class Connection:
    """One at a time, kept and used again as long as the server lets us."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.sock = self.buf = None

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def open(self):
        if self.sock:
            # One that the server has closed meanwhile is of no use.
            self.sock.setblocking(False)
            try:
                gone = self.sock.recv(1, socket.MSG_PEEK) == b""
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                self.close()
        if not self.sock:
            self.sock = socket.create_connection(self.address, timeout=30)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.buf = b""
        self.sock.settimeout(30)

    def fill(self):
        data = self.sock.recv(1 << 16)
        self.buf += data
        return data

    def line(self):
        while b"\n" not in self.buf:
            if not self.fill():
                raise EOFError("in a head, after %r" % self.buf[:200])
        line, self.buf = self.buf.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    def exactly(self, n):
        parts, left = [], n
        while left:
            if not self.buf and not self.fill():
                raise EOFError("%d bytes of a body of %d are missing" % (left, n))
            parts.append(self.buf[:left])
            self.buf = self.buf[left:]
            left -= len(parts[-1])
        return b"".join(parts)

    def fields(self):
        fields = []
        while True:
            line = self.line()
            if not line:
                return fields
            name, _, value = line.partition(":")
            fields.append((name, value.strip()))

    def head(self):
        a = Answer()
        version, status, a.reason = (self.line() + " ").split(" ", 2)
        a.status = int(status)
        a.headers = self.fields()
        a.closes = version == "HTTP/1.0" or (a.header("connection") or "").lower() == "close"
        return a

    def answer(self, method, interim=()):
        a = self.head()
        a.interim = list(interim)
        while 100 <= a.status < 200:
            interim, a = a.interim + [a.status], self.head()
            a.interim = interim
        length, coding = a.header("content-length"), a.header("transfer-encoding")
        if method == "HEAD" or a.status in (204, 304):
            a.framing = "none, length %s" % length
        elif coding:
            a.framing = coding
            body = []
            while True:
                n = int(self.line().split(";")[0], 16)
                if not n:
                    break
                body.append(self.exactly(n))
                self.line()
            a.trailers = self.fields()
            a.body = b"".join(body)
        elif length is not None:
            a.framing = "length"
            a.body = self.exactly(int(length))
        else:
            a.framing = "close"
            while self.fill():
                pass
            a.body, a.closes = self.buf, True
        if a.closes:
            self.close()
        return a

    def request(self, method, target, headers, body=b"", version="HTTP/1.1", expect=False):
        """body: bytes, or pieces with their own framing."""
        head = "%s %s %s\r\n" % (method, target, version)
        head += "".join("%s: %s\r\n" % h for h in headers) + "\r\n"
        pieces = [body] if isinstance(body, bytes) else list(body)
        self.open()
        self.sock.sendall(head.encode("utf-8"))
        interim = []
        if expect:
            # A server that says no spares us the body; one that ignores it gets the body in the end.
            self.sock.settimeout(5)
            try:
                while not self.buf:
                    if not self.fill():
                        raise EOFError("instead of an answer")
            except socket.timeout:
                self.buf = b""
            self.sock.settimeout(30)
            if self.buf:
                if not re.match(rb"HTTP/1\.1 100", self.buf):
                    a = self.answer(method)
                    self.close()  # The server may wait for the body on it.
                    return a
                interim.append(self.head().status)
        try:
            for piece in pieces:
                self.sock.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has answered already.
        return self.answer(method, interim)


class Signer:
    def __init__(self, key, secret, region="us-east-1"):
        self.key, self.secret, self.region = key, secret, region

    def signing_key(self, date):
        k = ("AWS4" + self.secret).encode()
        for part in date, self.region, "s3", "aws4_request":
            k = hmac.new(k, part.encode(), hashlib.sha256).digest()
        return k

    def signature(self, method, path, query, headers, signed, payload, when):
        canonical = "\n".join(
            [
                method,
                quote(urllib.parse.unquote(path)),
                "&".join("%s=%s" % (quote(k, "~"), quote(v, "~")) for k, v in sorted(query)),
                "".join(
                    "%s:%s\n" % (n, ",".join(" ".join(v.split()) for k, v in headers if k.lower() == n))
                    for n in signed
                ),
                ";".join(signed),
                payload,
            ]
        )
        scope = "%s/%s/s3/aws4_request" % (when[:8], self.region)
        text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (
            when, scope, hashlib.sha256(canonical.encode()).hexdigest())
        self.last = (scope, when)
        return hmac.new(self.signing_key(when[:8]), text.encode(), hashlib.sha256).hexdigest()

    def now(self, offset=0):
        at = datetime.datetime.fromtimestamp(time.time() + offset, datetime.timezone.utc)
        return at.strftime("%Y%m%dT%H%M%SZ")

    def header(self, method, path, query, headers, payload, offset=0):
        """The headers with those of the signature; all that are given are signed."""
        when = self.now(offset)
        headers = headers + [("x-amz-content-sha256", payload), ("x-amz-date", when)]
        signed = sorted({k.lower() for k, _ in headers})
        sig = self.signature(method, path, query, headers, signed, payload, when)
        headers.append(
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"
                % (self.key, self.last[0], ";".join(signed), sig),
            )
        )
        self.seed = sig
        return headers

    def presign(self, method, path, query, host, expires=3600, offset=0):
        when = self.now(offset)
        query = query + [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "%s/%s/%s/s3/aws4_request" % (self.key, when[:8], self.region)),
            ("X-Amz-Date", when),
            ("X-Amz-Expires", str(expires)),
            ("X-Amz-SignedHeaders", "host"),
        ]
        sig = self.signature(method, path, query, [("host", host)], ["host"], "UNSIGNED-PAYLOAD", when)
        return query + [("X-Amz-Signature", sig)]

    def chunks(self, pieces):
        """aws-chunked, each piece signed after the one before."""
        scope, when = self.last
        previous, key = self.seed, self.signing_key(when[:8])
        for piece in list(pieces) + [b""]:
            text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", when, scope, previous, EMPTY,
                              hashlib.sha256(piece).hexdigest()])
            previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
            yield b"%x;chunk-signature=%s\r\n%s\r\n" % (len(piece), previous.encode(), piece)
