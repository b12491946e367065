#!/usr/bin/env python3
"""Clients for scripts/bench: what a Python program does without our tools, and with them.

usage: client.py presign BUCKET KEY...           one URL a line
       client.py passing BUCKET KEY...           the same, of a kind that no cache answers
       client.py each BUCKET KEY...              boto3: get each, print the ms it took
       client.py pandas BUCKET KEY...            pandas over s3fs: the same with read_csv
       client.py windows BUCKET BOOK KEY...      boto3: each window of stdin by Range, print the ms
       client.py batch BOOK                      the same through one ffs-get --batch

A window is a line "NAME rows A-B". One is asked for when the one before has been answered. Endpoint
and keys are in the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...).
"""
import os
import subprocess
import sys
import time


def boto3_client():
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        region_name=os.environ.get("AWS_REGION", "us-east-1"),
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def took(start):
    print("%.3f" % ((time.perf_counter() - start) * 1e3))


def presign(bucket, keys, **more):
    s3 = boto3_client()
    for key in keys:
        params = {"Bucket": bucket, "Key": key, **more}
        print(s3.generate_presigned_url("get_object", Params=params, ExpiresIn=86400))


def each(bucket, keys):
    s3 = boto3_client()
    for key in keys:
        start = time.perf_counter()
        s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        took(start)


def read_csv(bucket, keys):
    import pandas

    for key in keys:
        start = time.perf_counter()
        pandas.read_csv("s3://%s/%s" % (bucket, key), header=None)
        took(start)


def wanted():
    for line in sys.stdin:
        yield line, *map(int, line.split()[2].split("-"))


def windows(bucket, book, keys):
    """With the index that such a reader would have to keep: where each row is in its chunk."""
    s3 = boto3_client()
    sizes = [s3.head_object(Bucket=bucket, Key=key)["ContentLength"] for key in keys]
    index = []  # of each row: its chunk, its first byte, how many
    chunk = at = 0
    with open(book, "rb") as f:
        for line in f:
            if at == sizes[chunk]:
                chunk, at = chunk + 1, 0
            index.append((chunk, at, len(line)))
            at += len(line)
    for _, first, last in wanted():
        start = time.perf_counter()
        while first <= last:
            chunk, low, _ = index[first]
            while first <= last and index[first][0] == chunk:
                high = index[first][1] + index[first][2]
                first += 1
            span = "bytes=%d-%d" % (low, high - 1)
            s3.get_object(Bucket=bucket, Key=keys[chunk], Range=span)["Body"].read()
        took(start)


def batch(book):
    starts = [0]
    with open(book, "rb") as f:
        for line in f:
            starts.append(starts[-1] + len(line))
    get = subprocess.Popen(
        ["ffs-get", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    for line, first, last in wanted():
        left = starts[last + 1] - starts[first]
        start = time.perf_counter()
        get.stdin.write(line.encode())
        while left:
            part = get.stdout.read(left)
            if not part:
                sys.exit("ffs-get ended early")
            left -= len(part)
        took(start)
    get.stdin.close()
    sys.exit(get.wait())


def main():
    mode, rest = sys.argv[1], sys.argv[2:]
    if mode == "presign":
        presign(rest[0], rest[1:])
    elif mode == "passing":
        presign(rest[0], rest[1:], ResponseContentType="text/csv")
    elif mode == "each":
        each(rest[0], rest[1:])
    elif mode == "pandas":
        read_csv(rest[0], rest[1:])
    elif mode == "windows":
        windows(rest[0], rest[1], rest[2:])
    elif mode == "batch":
        batch(rest[0])
    else:
        sys.exit(__doc__)


main()
