"""The fuzz corpus: bodies and whole requests that attackers, broken SDKs and cut connections send. Made, not stored: some are large."""

import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Final

MEGABYTE: Final = 1_048_576


def event(**fields: object) -> bytes:
    return json.dumps({"type": "track", "event": "e", "anonymousId": "ada", **fields}).encode()


def batch(*events: bytes, rest: bytes = b"") -> bytes:
    return b'{"writeKey":"demo","batch":[' + b",".join(events) + b"]" + rest + b"}"


def nested(opening: bytes, closing: bytes, levels: int) -> bytes:
    return opening * levels + b"1" + closing * levels


def bomb(expanded_bytes: int) -> bytes:
    """Gzip that is a thousandth of what comes out of it."""
    member = gzip.compress(b" " * MEGABYTE, 9)
    return member * (expanded_bytes // MEGABYTE)


def _numbers() -> dict[str, bytes]:
    written = {
        "1e999": b"1e999",
        "-1e999": b"-1e999",
        "1e-999": b"1e-999",
        "4,000 digits": b"9" * 4_000,
        "30,000 digits": b"9" * 30_000,
        "30,000 decimals": b"0." + b"3" * 30_000,
        "NaN": b"NaN",
        "Infinity": b"-Infinity",
        "minus": b"-",
        "plus": b"+1",
        "octal": b"0123",
        "hexadecimal": b"0x10",
        "2**64": b"18446744073709551616",
        "exponent without digits": b"1e",
    }
    return {
        f"number {name}": batch(event(value=1), event(properties={"value": 0}).replace(b"0}", number + b"}"))
        for name, number in written.items()
    }


def _texts() -> dict[str, bytes]:
    written = {
        "lone high surrogate": rb"\ud83d",
        "lone low surrogate": rb"\udc00",
        "surrogates the wrong way round": rb"\udc00\ud83d",
        "escaped NUL": rb"\u0000",
        "raw NUL": b"\0",
        "raw control characters": bytes(range(1, 32)),
        "invalid UTF-8": b"\xff\xfe\xc3",
        "overlong UTF-8": b"\xc0\xaf",
        "surrogate in UTF-8": b"\xed\xa0\xbd",
        "cut escape": rb"\u12",
        "unknown escape": rb"\x41",
        "right-to-left override": "\u202e".encode(),
        "a combining letter 10,000 times": "\u0301".encode() * 10_000,
    }
    found = {}
    for name, text in written.items():
        found[f"value with {name}"] = batch(event(properties={"title": "T"}).replace(b'"T"', b'"' + text + b'"'))
        found[f"id with {name}"] = batch(event(messageId="T").replace(b'"T"', b'"' + text + b'"'))
        found[f"key with {name}"] = batch(event(properties={"T": 1}).replace(b'"T"', b'"' + text + b'"'))
        found[f"write key with {name}"] = b'{"batch":[],"writeKey":"' + text + b'"}'
    return found


def _depths() -> dict[str, bytes]:
    found = {}
    for levels in (65, 1_000, 100_000, 1_000_000):
        for kind, deep in (
            ("lists", nested(b"[", b"]", levels)),
            ("objects", nested(b'{"a":', b"}", levels)),
            ("lists without end", b"[" * levels),
        ):
            found[f"{levels} {kind} as the body"] = deep
            found[f"{levels} {kind} as an event"] = batch(deep)
            found[f"{levels} {kind} as properties"] = batch(event(properties={"p": 1}).replace(b"1}", deep + b"}"))
            found[f"{levels} {kind} as the context"] = batch(event(), rest=b',"context":{"a":' + deep + b"}")
    return found


def _shapes() -> dict[str, bytes]:
    small = event()
    many_empty = b"{}," * 1_300_000
    return {
        "empty": b"",
        "white space": b" \r\n\t" * 1_000,
        "null": b"null",
        "a text": b'"batch"',
        "a list": b"[" + small + b"]",
        "UTF-16": batch(small).decode().encode("utf-16"),
        "byte order mark": b"\xef\xbb\xbf" + batch(small),
        "two bodies": batch(small) * 2,
        "rubbish behind": batch(small) + b"rubbish",
        "trailing comma": b'{"writeKey":"demo","batch":[' + small + b",]}",
        "duplicate batch": b'{"writeKey":"demo","batch":[],"batch":[' + small + b"]}",
        "duplicate write key": b'{"writeKey":"nobody","writeKey":"demo","batch":[]}',
        "duplicate ids": batch(
            b'{"type":"track","event":"e","anonymousId":"a","anonymousId":"b","messageId":"1","messageId":"2"}'
        ),
        "10,000 duplicate keys": batch(b"{" + b'"a":1,' * 4_000 + b'"type":"track","event":"e","anonymousId":"a"}'),
        "batch that is an object": b'{"writeKey":"demo","batch":{}}',
        "batch of everything but events": batch(b"1", b"null", b"true", b'"x"', b"[]", b"{}", b"[{}]", b"-0"),
        "2,500 tiny rejected events": batch(*[b"1"] * 2_500),
        "2,500 tiny accepted events": batch(*[small] * 2_500),
        "one event too many": batch(*[b"1"] * 2_501),
        "more than a million empty events": b'{"writeKey":"demo","batch":[' + many_empty + b"1]}",
        "an event of 4 MB": batch(event(properties={"note": "x" * (4 * MEGABYTE - 200)})),
        "4 MB of empty lists as properties": batch(
            event(properties={"p": 1}).replace(b"1}", b"[" + b"[]," * 1_300_000 + b"1]}")
        ),
        "4 MB of empty lists as the context": batch(small, rest=b',"context":{"a":[' + b"[]," * 1_300_000 + b"1]}"),
        "4 MB of empty lists as the write key": b'{"batch":[],"writeKey":[' + b"[]," * 1_300_000 + b"1]}",
        "4 MB of empty lists as sentAt": batch(small, rest=b',"sentAt":[' + b"[]," * 1_300_000 + b"1]"),
        "a context for 2,500 events": batch(
            *[small] * 2_500, rest=b',"context":{"page":{"url":"' + b"x" * 30_000 + b'"}}'
        ),
        "items in every event": batch(*[event(event="purchase", properties={"products": [{"price": 1}] * 300})] * 200),
        "larger than accepted": b" " * (5 * MEGABYTE),
    }


def _zipped() -> dict[str, bytes]:
    good = gzip.compress(batch(event()))
    return {
        "gzip bomb of 4 GB": bomb(4_096 * MEGABYTE),
        "gzip bomb in one member": gzip.compress(b" " * (64 * MEGABYTE), 1),
        "gzip of a gzip bomb": gzip.compress(bomb(1_024 * MEGABYTE)),
        "truncated gzip": good[:-9],
        "gzip head only": good[:10],
        "two bytes of gzip": good[:2],
        "gzip with a wrong checksum": good[:-8] + bytes(8),
        "gzip with rubbish behind": good + b"rubbish",
        "100,000 empty gzip members": gzip.compress(b"") * 100_000,
        "gzip with a damaged middle": good[:20] + b"\xff\xff" + good[22:],
        "zlib instead of gzip": zlib.compress(batch(event())),
    }


def bodies() -> Mapping[str, bytes]:
    """What the body is → the body; each is sent to every endpoint that takes events."""
    return {**_shapes(), **_numbers(), **_texts(), **_depths(), **_zipped()}


def post(*headers: bytes, body: bytes = b"", path: bytes = b"/v1/batch", length: bytes | None = None) -> bytes:
    size = str(len(body)).encode() if length is None else length
    return b"\r\n".join((b"POST " + path + b" HTTP/1.1", b"host: a", b"content-length: " + size, *headers, b"", body))


def requests() -> Mapping[str, bytes]:
    """What the request is → its bytes, which no HTTP client would send."""
    good = batch(event())
    chunked = b"POST /v1/batch HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    return {
        "content-length too long": post(body=good, length=b"999999"),
        "content-length too short": post(body=good, length=b"5"),
        "content-length negative": post(body=good, length=b"-1"),
        "content-length without digits": post(body=good, length=b"many"),
        "content-length enormous": post(body=good, length=b"9" * 40),
        "content-length twice": post(b"content-length: 3", body=good),
        "content-length and chunks": post(b"transfer-encoding: chunked", body=good),
        "chunk size that is none": chunked + b"zz\r\nabc\r\n",
        "chunk size enormous": chunked + b"f" * 40 + b"\r\nabc\r\n",
        "chunk longer than it says": chunked + b"1\r\nabc\r\n0\r\n\r\n",
        "chunks of one byte": chunked + b"".join(b"1\r\n%c\r\n" % each for each in good) + b"0\r\n\r\n",
        "chunk extension of 1 MB": chunked + b"1;" + b"x" * MEGABYTE + b"\r\na\r\n0\r\n\r\n",
        "no host": b"POST /v1/batch HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
        "HTTP/0.9": b"GET /livez\r\n\r\n",
        "HTTP/9.9": b"GET /livez HTTP/9.9\r\n\r\n",
        "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
        "random bytes": bytes(range(256)) * 8,
        "CONNECT": b"CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n",
        "upgrade": b"GET /v1/batch HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "unknown method": b"BREW /v1/batch HTTP/1.1\r\nhost: a\r\n\r\n",
        "absolute address": b"GET http://other.example/livez HTTP/1.1\r\nhost: a\r\n\r\n",
        "path of 60 KB": b"GET /" + b"a/" * 30_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
        "path of 200 KB": b"GET /" + b"a/" * 100_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
        "path with escapes": b"GET /%00%ff%2e%2e/..%2f/v1/projects/%c3%28/settings HTTP/1.1\r\nhost: a\r\n\r\n",
        "path not in ASCII": b"GET /\xff\xfe HTTP/1.1\r\nhost: a\r\n\r\n",
        "query of 30,000 parameters": b"GET /i?" + b"a&" * 30_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
        "query with rubbish": b"GET /i?e=pv&aid=demo&%zz=%&=&&;;e[]=1&e=%00%ed%a0%bd&url=http://[ HTTP/1.1\r\nhost: a\r\n\r\n",
        "1,000 headers": b"GET /livez HTTP/1.1\r\n" + b"a: b\r\n" * 1_000 + b"\r\n",
        "10 MB of headers": b"GET /livez HTTP/1.1\r\n" + (b"a: " + b"b" * 1_000 + b"\r\n") * 10_000 + b"\r\n",
        "header of 1 MB": b"GET /livez HTTP/1.1\r\na: " + b"b" * MEGABYTE + b"\r\n\r\n",
        "header with NUL": post(b"x: a\0b", body=good),
        "header with control characters": post(b"origin: https://a\x01\x7f\x0b.example", body=good),
        "header folded": post(b"x: a\r\n b", body=good),
        "header without a name": post(b": a", body=good),
        "origin not in ASCII": post("origin: https://lampé.example\u2603".encode(), body=good),
        "origin of 60 KB": post(b"origin: https://" + b"a" * 60_000, body=good),
        "credentials that are none": post(b"authorization: Basic \xff\xff", body=good),
        "credentials of 60 KB": post(b"authorization: Basic " + b"YTph" * 15_000, body=good),
        "traceparent that is none": post(b"traceparent: 00-zz\xff-1-1", body=good),
        "expect without a body": post(b"expect: 100-continue", length=b"10"),
        "500 requests at once": post(body=good) * 500,
        "line ends without carriage returns": post(body=good).replace(b"\r\n", b"\n"),
        "nothing but line ends": b"\r\n" * 50_000,
    }
