#!/usr/bin/env python3
"""What a Python program does without our tools: the marks for scripts/bench.

usage: boto3-client.py presign BUCKET KEY...     one URL a line
       boto3-client.py each BUCKET KEY...        get each, print the ms it took
       boto3-client.py windows BUCKET BOOK KEY.. rows A-B of stdin ("NAME rows A-B" a line) by Range
Endpoint and keys are in the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...).
"""
import os
import sys
import time

import boto3
from botocore.config import Config


def client():
    return boto3.client(
        "s3",
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        region_name=os.environ.get("AWS_REGION", "us-east-1"),
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def presign(s3, bucket, keys):
    for key in keys:
        params = {"Bucket": bucket, "Key": key}
        print(s3.generate_presigned_url("get_object", Params=params, ExpiresIn=86400))


def each(s3, bucket, keys):
    for key in keys:
        start = time.perf_counter()
        s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        print("%.3f" % ((time.perf_counter() - start) * 1e3))


def windows(s3, bucket, book, keys):
    """The index that the reader would have to keep: where each row begins in its chunk."""
    sizes = [s3.head_object(Bucket=bucket, Key=key)["ContentLength"] for key in keys]
    index = []  # row -> chunk, first byte, bytes
    chunk = at = 0
    with open(book, "rb") as f:
        for line in f:
            if at == sizes[chunk]:
                chunk, at = chunk + 1, 0
            index.append((chunk, at, len(line)))
            at += len(line)
    for line in sys.stdin:
        first, last = map(int, line.split()[2].split("-"))
        start = time.perf_counter()
        while first <= last:
            chunk, low, _ = index[first]
            while first <= last and index[first][0] == chunk:
                high = index[first][1] + index[first][2]
                first += 1
            span = "bytes=%d-%d" % (low, high - 1)
            s3.get_object(Bucket=bucket, Key=keys[chunk], Range=span)["Body"].read()
        print("%.3f" % ((time.perf_counter() - start) * 1e3))


def main():
    mode, bucket, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    s3 = client()
    if mode == "presign":
        presign(s3, bucket, rest)
    elif mode == "each":
        each(s3, bucket, rest)
    elif mode == "windows":
        windows(s3, bucket, rest[0], rest[1:])
    else:
        sys.exit(__doc__)


main()
