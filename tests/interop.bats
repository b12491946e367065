# ffs-node and the S3 clients that people have: Debian's, and those that scripts/peers installs.
# What is "plain" asks for what the others do, at length.
load helper.bash

# Starts a node with its keys in the environment, and makes files of all sizes and names.
prepare() {
	start_node
	local file=$HOME/.config/ffs/credentials
	AWS_ACCESS_KEY_ID=$(sed -n 's/^aws_access_key_id *= *//p' "$file")
	AWS_SECRET_ACCESS_KEY=$(sed -n 's/^aws_secret_access_key *= *//p' "$file")
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION=us-east-1
	mkdir -p files/sub
	: >files/empty
	printf hello >files/small
	head -c 20000000 /dev/urandom >files/large
	head -c 70000 /dev/urandom >'files/sub/odd name +%41&ü!.bin'
}

# The bucket holds what is below files/, under a prefix; '%' is escaped in paths.
stored() {
	[ -d paths ] || cp -r files paths
	[ ! -e paths/sub/*%41* ] || mv paths/sub/*%41* 'paths/sub/odd name +%2541&ü!.bin'
	diff -r paths "store/$1"
	[ -z "$(ls store/.ffs.tmp store/.ffs.uploads | grep -v :)" ]
}

run_aws() {
	local aws=$1
	# Version 1 of aws presigns with the signatures of 2006 by default.
	mkdir -p "$HOME/.aws"
	printf '[default]\ns3 =\n    signature_version = s3v4\n' >"$HOME/.aws/config"
	"$aws" s3 mb s3://bkt
	"$aws" s3 cp --recursive --no-progress files s3://bkt/p
	stored bkt/p
	"$aws" s3 cp --recursive --no-progress s3://bkt/p back
	diff -r files back
	[ "$("$aws" s3 ls --recursive s3://bkt | wc -l)" -eq 4 ]
	"$aws" s3 ls s3://bkt/p/ >listed
	grep -q 'PRE sub/' listed
	"$aws" s3 mv --no-progress s3://bkt/p/large s3://bkt/q/moved
	"$aws" s3 cp --no-progress s3://bkt/q/moved - | cmp - files/large
	curl -sS "$("$aws" s3 presign s3://bkt/q/moved)" | cmp - files/large
	"$aws" s3 sync --no-progress files s3://bkt/p
	stored bkt/p
	"$aws" s3api get-object --bucket bkt --key p/small --range bytes=1-3 part >/dev/null
	[ "$(cat part)" = ell ]
	"$aws" s3 rm --recursive --quiet s3://bkt
	"$aws" s3 rb s3://bkt
	[ -z "$(ls store)" ]
}

run_boto3() {
	"$1" - "$url" <<-'EOF'
		import boto3, hashlib, sys
		from boto3.s3.transfer import TransferConfig
		from botocore.exceptions import ClientError
		c = boto3.client("s3", endpoint_url=sys.argv[1])
		c.create_bucket(Bucket="bkt")
		c.head_bucket(Bucket="bkt")
		small = TransferConfig(multipart_threshold=6 << 20, multipart_chunksize=5 << 20)
		for name in "empty", "small", "large", "sub/odd name +%41&ü!.bin":
		    c.upload_file("files/" + name, "bkt", name, Config=small, ExtraArgs={"Metadata": {"name": "value"}})
		    c.download_file("bkt", name, "back", Config=small)
		    assert open("back", "rb").read() == open("files/" + name, "rb").read(), name
		    assert c.head_object(Bucket="bkt", Key=name)["Metadata"] == {"name": "value"}
		assert c.get_object(Bucket="bkt", Key="small", Range="bytes=1-3")["Body"].read() == b"ell"
		etag = c.put_object(Bucket="bkt", Key="cond", Body=b"one")["ETag"]
		assert etag == '"%s"' % hashlib.md5(b"one").hexdigest()
		def refused(code, call, **kw):
		    try:
		        call(Bucket="bkt", **kw)
		    except ClientError as e:
		        assert e.response["Error"]["Code"] in code, e.response
		    else:
		        raise AssertionError("not refused: %s" % kw)
		def header(name, value):
		    def add(request, **kw):
		        request.headers[name] = value
		    return add
		for name, value in ("If-None-Match", "*"), ("If-Match", '"other"'):
		    hook = header(name, value)
		    c.meta.events.register("before-sign.s3.PutObject", hook)
		    refused(["PreconditionFailed", "412"], c.put_object, Key="cond", Body=b"two")
		    c.meta.events.unregister("before-sign.s3.PutObject", hook)
		assert c.get_object(Bucket="bkt", Key="cond")["Body"].read() == b"one"
		refused(["NoSuchKey"], c.get_object, Key="none")
		refused(["304"], c.get_object, Key="cond", IfNoneMatch=etag)
		refused(["PreconditionFailed", "412"], c.get_object, Key="cond", IfMatch='"other"')
		for algorithm in "CRC32", "SHA1", "SHA256":
		    c.put_object(Bucket="bkt", Key="sum", Body=b"hello" * 1000, ChecksumAlgorithm=algorithm)
		    r = c.get_object(Bucket="bkt", Key="sum", ChecksumMode="ENABLED")
		    assert r["Body"].read() == b"hello" * 1000 and r["Checksum" + algorithm]
		for i in range(25):
		    c.put_object(Bucket="bkt", Key="many/%02d" % i, Body=b"")
		pages = c.get_paginator("list_objects_v2").paginate(Bucket="bkt", Prefix="many/", PaginationConfig={"PageSize": 10})
		assert [o["Key"] for p in pages for o in p["Contents"]] == ["many/%02d" % i for i in range(25)]
		pages = c.get_paginator("list_objects").paginate(Bucket="bkt", Prefix="many/", PaginationConfig={"PageSize": 7})
		assert len([o for p in pages for o in p["Contents"]]) == 25
		assert c.list_objects_v2(Bucket="bkt", Delimiter="/")["CommonPrefixes"] == [{"Prefix": "many/"}, {"Prefix": "sub/"}]
		up = c.create_multipart_upload(Bucket="bkt", Key="up")["UploadId"]
		c.upload_part(Bucket="bkt", Key="up", UploadId=up, PartNumber=1, Body=b"x")
		assert [u["UploadId"] for u in c.list_multipart_uploads(Bucket="bkt")["Uploads"]] == [up]
		assert c.list_parts(Bucket="bkt", Key="up", UploadId=up)["Parts"][0]["Size"] == 1
		c.abort_multipart_upload(Bucket="bkt", Key="up", UploadId=up)
		refused(["NoSuchUpload"], c.list_parts, Key="up", UploadId=up)
		c.copy_object(Bucket="bkt", Key="copy", CopySource={"Bucket": "bkt", "Key": "sub/odd name +%41&ü!.bin"})
		assert c.get_object(Bucket="bkt", Key="copy")["Body"].read() == open("files/sub/odd name +%41&ü!.bin", "rb").read()
		keys = [{"Key": o["Key"]} for o in c.list_objects_v2(Bucket="bkt")["Contents"]]
		assert not c.delete_objects(Bucket="bkt", Delete={"Objects": keys}).get("Errors")
		c.delete_bucket(Bucket="bkt")
		assert not c.list_buckets()["Buckets"]
	EOF
}

# bats test_tags=plain
@test "aws of Debian" {
	need_cmd /usr/bin/aws
	prepare
	quick_aws /usr/bin/aws
	# It is older than AWS_ENDPOINT_URL.
	aws_here() { ./aws --endpoint-url "$url" "$@"; }
	run_aws aws_here
}

@test "boto3 of Debian" {
	/usr/bin/python3 -c 'import boto3' || need "needs python3-boto3"
	prepare
	run_boto3 /usr/bin/python3
}

@test "rclone" {
	need_cmd rclone
	prepare
	export RCLONE_CONFIG_N_TYPE=s3 RCLONE_CONFIG_N_PROVIDER=Other RCLONE_CONFIG_N_ENDPOINT=$url \
		RCLONE_CONFIG_N_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID RCLONE_CONFIG_N_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY \
		RCLONE_S3_UPLOAD_CUTOFF=6M RCLONE_S3_CHUNK_SIZE=5M RCLONE_CONFIG=/dev/null
	rclone mkdir N:bkt
	rclone copy files N:bkt/p
	stored bkt/p
	rclone check --download files N:bkt/p
	rclone copy N:bkt/p back
	diff -r files back
	[ "$(rclone lsf -R --files-only N:bkt | wc -l)" -eq 4 ]
	rclone moveto N:bkt/p/large N:bkt/q/large
	rclone cat N:bkt/q/large | cmp - files/large
	rclone sync files N:bkt/p
	stored bkt/p
	rclone purge N:bkt
	[ -z "$(ls store)" ]
}

# bats test_tags=plain
@test "s3cmd" {
	need_cmd s3cmd
	prepare
	cat >s3cfg <<-EOF
		[default]
		access_key = $AWS_ACCESS_KEY_ID
		secret_key = $AWS_SECRET_ACCESS_KEY
		host_base = ${url#http://}
		host_bucket = ${url#http://}
		use_https = False
		multipart_chunk_size_mb = 5
	EOF
	local s3cmd=(s3cmd -c s3cfg --no-progress)
	"${s3cmd[@]}" mb s3://bkt
	"${s3cmd[@]}" sync files/ s3://bkt/p/
	stored bkt/p
	mkdir back
	"${s3cmd[@]}" sync s3://bkt/p/ back/
	diff -r files back
	[ "$("${s3cmd[@]}" ls -r s3://bkt | wc -l)" -eq 4 ]
	"${s3cmd[@]}" info s3://bkt/p/small
	"${s3cmd[@]}" mv s3://bkt/p/large s3://bkt/q/large
	cmp files/large store/bkt/q/large
	"${s3cmd[@]}" del -r --force s3://bkt
	"${s3cmd[@]}" rb s3://bkt
	[ -z "$(ls store)" ]
}

# --- those of scripts/peers ---

# bats test_tags=plain
@test "aws of today" {
	peer aws
	prepare
	quick_aws "$peer"
	run_aws ./aws
}

# bats test_tags=plain
@test "boto3 of today" {
	peer python3
	"$peer" -c 'import boto3' 2>/dev/null || may_skip "no boto3 (scripts/peers)"
	prepare
	run_boto3 "$peer"
}

@test "boto3 of today, with every checksum" {
	peer python3
	"$peer" -c 'import boto3, awscrt' 2>/dev/null || may_skip "no awscrt (scripts/peers)"
	prepare
	"$peer" - "$url" <<-'EOF'
		import boto3, sys
		c = boto3.client("s3", endpoint_url=sys.argv[1])
		c.create_bucket(Bucket="bkt")
		body = open("files/sub/odd name +%41&ü!.bin", "rb").read()
		for algorithm in "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256":
		    c.put_object(Bucket="bkt", Key="k", Body=body, ChecksumAlgorithm=algorithm)
		    r = c.get_object(Bucket="bkt", Key="k", ChecksumMode="ENABLED")
		    assert r["Body"].read() == body and r["Checksum" + algorithm], algorithm
		    kinds = ["FULL_OBJECT"] if algorithm == "CRC64NVME" else ["COMPOSITE"]
		    if algorithm.startswith("CRC32"):
		        kinds.append("FULL_OBJECT")
		    for kind in kinds:
		        up = c.create_multipart_upload(Bucket="bkt", Key="m", ChecksumAlgorithm=algorithm, ChecksumType=kind)["UploadId"]
		        parts = []
		        for n, data in (1, body * 100), (2, body):
		            r = c.upload_part(Bucket="bkt", Key="m", UploadId=up, PartNumber=n, Body=data, ChecksumAlgorithm=algorithm)
		            parts.append({"PartNumber": n, "ETag": r["ETag"], "Checksum" + algorithm: r["Checksum" + algorithm]})
		        r = c.complete_multipart_upload(Bucket="bkt", Key="m", UploadId=up, MultipartUpload={"Parts": parts}, ChecksumType=kind)
		        assert r["Checksum" + algorithm].endswith("-2") == (kind == "COMPOSITE"), r
		        r = c.get_object(Bucket="bkt", Key="m", ChecksumMode="ENABLED")
		        assert r["Body"].read() == body * 101, (algorithm, kind)
	EOF
}

@test "s5cmd" {
	peer s5cmd
	prepare
	local s5cmd=("$peer" --endpoint-url "$url")
	"${s5cmd[@]}" mb s3://bkt
	"${s5cmd[@]}" cp -p 5 files/ s3://bkt/p/
	stored bkt/p
	"${s5cmd[@]}" cp 's3://bkt/p/*' back/
	diff -r files back
	"${s5cmd[@]}" mv s3://bkt/p/large s3://bkt/q/large
	"${s5cmd[@]}" cat s3://bkt/q/large | cmp - files/large
	[ "$("${s5cmd[@]}" ls 's3://bkt/*' | wc -l)" -eq 4 ]
	"${s5cmd[@]}" rm 's3://bkt/*'
	"${s5cmd[@]}" rb s3://bkt
	[ -z "$(ls store)" ]
}

@test "mc" {
	peer mc
	prepare
	export MC_HOST_n="http://$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY@${url#http://}"
	local mc=("$peer" --config-dir mc --quiet)
	"${mc[@]}" mb n/bkt
	"${mc[@]}" mirror files n/bkt/p
	stored bkt/p
	"${mc[@]}" cp --recursive n/bkt/p/ back
	diff -r files back
	"${mc[@]}" mv n/bkt/p/large n/bkt/q/large
	"${mc[@]}" cat n/bkt/q/large | cmp - files/large
	"${mc[@]}" stat n/bkt/q/large
	[ "$("${mc[@]}" ls --recursive n/bkt | wc -l)" -eq 4 ]
	# In pieces of 5 MiB, from a pipe of unknown length.
	cat files/large | "${mc[@]}" pipe n/bkt/piped
	cmp files/large store/bkt/piped
	"${mc[@]}" rm --recursive --force n/bkt
	"${mc[@]}" rb n/bkt
	[ -z "$(ls store)" ]
}
