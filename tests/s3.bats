# The S3 client against a store that misbehaves as told (tests/stub), and against ffs-node.
load helper.bash

s3get() {
	"${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/unit/s3get" "$@"
}

# stub ACTION...: a misbehaving store; sets url, ./requests is its log.
stub() {
	need_cmd /usr/bin/python3 || return 1
	: >requests
	: >stub.url
	"$BATS_TEST_DIRNAME/stub" requests "$@" >stub.url 2>stub.err 3>&- &
	pids+=("$!")
	until_true 20 test -s stub.url || { cat stub.err >&2; return 1; }
	AWS_ENDPOINT_URL=$(cat stub.url)
	export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=AKTEST AWS_SECRET_ACCESS_KEY=SECRETSECRET
}

requests() {
	wc -l <requests
}

@test "a body that comes whole is given as it is" {
	stub ok
	run -0 --separate-stderr s3get GET b k
	[ "$output" = hello ]
	[[ $stderr == *"rc=0 status=200 code= attempts=1 "*"bytes=5 size=5 etag=e-1"* ]]
}

@test "a second request uses the first one's connection" {
	stub ok
	run -0 --separate-stderr s3get -n 2 GET b k
	[[ ${stderr_lines[0]} == *" connects=1 "* ]]
	[[ ${stderr_lines[1]} == *" connects=0 "* ]]
}

@test "a 503 is tried again until it succeeds" {
	stub 503:SlowDown 503:SlowDown ok
	run -0 --separate-stderr s3get GET b k
	[ "$output" = hello ]
	[[ $stderr == *"rc=0"*"attempts=3"* ]]
}

@test "every retryable status is tried again" {
	local status
	for status in 408 429 500 502 503 504; do
		stub $status ok
		run -0 --separate-stderr s3get GET b k
		[ "$output" = hello ]
		[[ $stderr == *"attempts=2"* ]]
	done
}

@test "a store that stays busy is -EAGAIN after FFS_RETRIES tries more" {
	stub 503:SlowDown
	FFS_RETRIES=2 run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=EAGAIN status=503 code=SlowDown attempts=3"* ]]
	[[ $stderr == *"SlowDown (503): told to (3 attempts); endpoint $AWS_ENDPOINT_URL from AWS_ENDPOINT_URL"* ]]
	[ "$(requests)" -eq 3 ]
}

@test "a retry that the caller does not want is not made" {
	stub 503
	run -0 --separate-stderr s3get -o GET b k
	[[ $stderr == *"rc=EAGAIN"*"attempts=1"* ]]
	[ "$(requests)" -eq 1 ]
}

@test "403 and 404 are final, and a 403 tells endpoint and credentials but no secret" {
	stub 403:AccessDenied 404:NoSuchKey
	run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=EACCES status=403 code=AccessDenied attempts=1"* ]]
	[[ $stderr == *"endpoint $AWS_ENDPOINT_URL from AWS_ENDPOINT_URL, credentials from AWS_ACCESS_KEY_ID of the environment"* ]]
	[[ $stderr != *SECRETSECRET* ]]
	run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=ENOENT status=404 code=NoSuchKey attempts=1"* ]]
	[ "$(requests)" -eq 2 ]
}

@test "statuses have their errno" {
	local pair
	for pair in 304:0 400:EIO 401:EACCES 403:EACCES 404:ENOENT 409:EEXIST 412:ESTALE 416:ERANGE 501:EOPNOTSUPP 505:EIO; do
		stub "${pair%:*}"
		run -0 --separate-stderr s3get GET b k
		[[ $stderr == "rc=${pair#*:} status=${pair%:*} "*"attempts=1"* ]]
	done
}

@test "the section of our own credentials file wins over an AWS profile, and the 403 says so" {
	stub 403:InvalidAccessKeyId
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	mkdir -p "$HOME/.aws" "$HOME/.config/ffs"
	printf '[default]\naws_access_key_id=AWSKEY\naws_secret_access_key=x\n' >"$HOME/.aws/credentials"
	run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"credentials from profile 'default' of $HOME/.aws/credentials"* ]]
	printf '[%s]\naws_access_key_id=OURKEY\naws_secret_access_key=x\n' "$AWS_ENDPOINT_URL" >"$HOME/.config/ffs/credentials"
	run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"credentials from [$AWS_ENDPOINT_URL] of $HOME/.config/ffs/credentials"* ]]
	run -0 cut -f 3- requests
	[[ ${lines[0]} == *"Credential=AWSKEY/"* ]]
	[[ ${lines[1]} == *"Credential=OURKEY/"* ]]
}

@test "a truncated body is tried again from its start" {
	stub trunc ok
	run -0 --separate-stderr s3get GET b k
	[ "$output" = hello ]
	[[ $stderr == "restart"*"rc=0"*"attempts=2"* ]]
}

@test "a truncated body that cannot be taken back is an integrity error" {
	stub trunc ok
	run -0 --separate-stderr s3get -r GET b k
	[ -z "$output" ]
	[[ $stderr == *"rc=EBADMSG status=200"*"attempts=1"* ]]
}

@test "a body that stays truncated is an integrity error" {
	stub trunc
	FFS_RETRIES=1 run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=EBADMSG"*"attempts=2"* ]]
}

@test "a reset is tried again, before and in the body" {
	stub reset cut ok
	run -0 --separate-stderr s3get GET b k
	[ "$output" = hello ]
	[[ $stderr == *"rc=0"*"attempts=3"* ]]
}

@test "a refusal whose text is cut short is still that refusal" {
	stub cuterror:404
	run -0 --separate-stderr s3get GET b k
	[[ $stderr == "rc=ENOENT status=404 "*"attempts=1"* ]]
}

@test "a store that stops in the middle times out and is tried again" {
	stub stall ok
	FFS_STALL_TIMEOUT=500ms run -0 --separate-stderr s3get GET b k
	[ "$output" = hello ]
	[[ $stderr == *"rc=0"* && $stderr != *"attempts=1 "* ]]
}

@test "a store that never answers is a time-out" {
	stub hang
	FFS_RETRIES=0 FFS_STALL_TIMEOUT=300ms run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=ETIMEDOUT status=0"* ]]
	[[ $stderr == *"nothing came or went for 0.3 s"* ]]
}

@test "a connection that cannot be made is a time-out" {
	# A listener that accepts nobody and whose backlog is full drops what else comes.
	/usr/bin/python3 -c '
import signal, socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(0)
full = [socket.socket() for _ in range(4)]
for c in full:
    c.setblocking(False)
    c.connect_ex(s.getsockname())
print("http://127.0.0.1:%d" % s.getsockname()[1], flush=True)
signal.pause()' >full.url 3>&- &
	pids+=("$!")
	until_true 20 test -s full.url
	AWS_ENDPOINT_URL=$(cat full.url) FFS_RETRIES=0 FFS_CONNECT_TIMEOUT=300ms run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=ETIMEDOUT status=0"*"no connection for 0.3 s"* ]]
}

@test "a host is found by its name" {
	stub ok
	AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL/127.0.0.1/LocalHost}/ run -0 --separate-stderr s3get GET b k
	[ "$output" = hello ]
	grep -q "Host: localhost:" requests
	AWS_ENDPOINT_URL=http://no-such-host.invalid FFS_RETRIES=0 run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=EHOSTUNREACH status=0"* ]]
}

@test "no store at all is told with its endpoint" {
	export AWS_ENDPOINT_URL=http://127.0.0.1:1
	FFS_RETRIES=1 run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=ECONNREFUSED status=0"*"attempts=2"* ]]
	[[ $stderr == *"endpoint http://127.0.0.1:1 from AWS_ENDPOINT_URL"* ]]
}

@test "an answer that is no HTTP is refused at once" {
	stub garbage
	run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=EPROTO"*"attempts=1"* ]]
}

@test "a kept connection that the store closed does no harm" {
	stub close ok
	run -0 --separate-stderr s3get -n 2 GET b k
	[ "$output" = hellohello ]
	[[ $stderr != *"rc=E"* ]]
	run -0 --separate-stderr s3get -n 3 PUT b k <<<body
	[[ $stderr != *"rc=E"* ]]
}

@test "a wrong checksum is noticed, tried again, and reported" {
	stub badsum ok
	run -0 --separate-stderr s3get -v GET b k
	[ "$output" = hello ]
	[[ $stderr == *"attempts=2"* ]]
	stub badsum
	FFS_RETRIES=1 run -0 --separate-stderr s3get -v GET b k
	[[ $stderr == *"rc=EBADMSG"*"the body does not match its checksum"* ]]
	FFS_RETRIES=0 run -0 --separate-stderr s3get MEM b k
	[[ $stderr == *"rc=EBADMSG"* ]]
	grep -q "x-amz-checksum-mode: ENABLED" requests
}

@test "the checksum of a multipart upload is no checksum of the bytes" {
	stub composite
	run -0 --separate-stderr s3get -v GET b k
	[ "$output" = hello ]
}

@test "a redirect is not followed: the error names the bucket's region" {
	stub redirect
	run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=EIO status=301 code=PermanentRedirect attempts=1"* ]]
	[[ $stderr == *"the bucket is in region eu-west-1, not us-east-1"* ]]
	[ "$(requests)" -eq 1 ]
}

@test "a clock that is off is corrected by the store's, once" {
	stub skew:7200
	run -0 --separate-stderr s3get -n 2 GET b k
	[ "$output" = hellohello ]
	[[ ${stderr_lines[0]} == *"rc=0"*"attempts=2"* ]]
	[[ ${stderr_lines[1]} == *"rc=0"*"attempts=1"* ]]
	stub 403:RequestTimeTooSkewed
	run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=EACCES"*"attempts=2"* ]]
	[[ $stderr == *"the store's clock says "*" GMT, ours "*" GMT"* ]]
}

@test "a HEAD refused for its clock is corrected too" {
	stub skew:-7200
	run -0 --separate-stderr s3get HEAD b k
	[[ $stderr == *"rc=0 status=200"*"attempts=2"* ]]
}

@test "Retry-After is honoured up to its bound" {
	stub 503:SlowDown:Retry-After=1 ok
	run -0 --separate-stderr s3get GET b k
	[ "$output" = hello ]
	stub 503:SlowDown:Retry-After=99999999999 ok
	run -0 --separate-stderr s3get GET b k
	[ "$output" = hello ]
}

@test "a PUT is sent whole at each try, without waiting for a 100" {
	stub 503 reset ok
	head -c 3000000 /dev/zero >body
	run -0 --separate-stderr s3get -c PUT b k <body
	[[ $stderr == "rc=0 "* ]]
	run -0 awk -F '\t' '{ print $1, $NF }' requests
	[ "$output" = $'PUT 3000000\nPUT 3000000\nPUT 3000000' ]
	run -1 grep -i "expect:\|transfer-encoding\|accept-encoding" requests
	grep -q $'x-amz-content-sha256: UNSIGNED-PAYLOAD.*x-amz-checksum-crc32c: [A-Za-z0-9+/]*==' requests
	grep -q "SignedHeaders=host;x-amz-checksum-crc32c;x-amz-content-sha256;x-amz-date" requests
}

@test "keys travel as they are" {
	stub ok
	run -0 s3get GET b 'a b/../c+d%2F?é'
	[ "$(cut -f 2 requests)" = /b/a%20b/../c%2Bd%252F%3F%C3%A9 ]
}

@test "fields are signed where they matter and sent where they do not" {
	stub ok
	run -0 s3get -f 'Range: bytes=0-1' GET b k
	run -0 s3get -f 'Content-MD5: abc' GET b k
	run -0 cat requests
	[[ ${lines[0]} == *"SignedHeaders=host;x-amz-content-sha256;x-amz-date,"*"Range: bytes=0-1"* ]]
	[[ ${lines[1]} == *"SignedHeaders=content-md5;host;"* ]]
	run -1 s3get -f $'X-Y: a\r\nEvil: 1' GET b k
}

@test "a session token is sent and signed" {
	stub ok
	AWS_SESSION_TOKEN=TOKEN run -0 s3get GET b k
	grep -q "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,.*" requests
	grep -q "x-amz-security-token: TOKEN" requests
}

@test "without credentials a request goes unsigned" {
	stub ok
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	run -0 s3get GET b k
	run -1 grep -i "authorization\|x-amz-date" requests
}

@test "many requests at once, each paused in between, all come whole" {
	stub size:3000000
	run -0 --separate-stderr bash -c "$(declare -f s3get); BATS_TEST_DIRNAME='$BATS_TEST_DIRNAME' s3get -b BOTH b 1 2 3 4 5 6 7 8 | wc -c"
	[ "$output" -eq 24000000 ]
}

@test "a request cancelled from its own callback ends at once, the others go on" {
	stub size:3000000
	run -0 --separate-stderr s3get -x BOTH b 1 2 3
	[ "$(grep -c rc=ECANCELED <<<"$stderr")" -eq 1 ]
	[ "$(grep -c rc=0 <<<"$stderr")" -eq 2 ]
}

@test "freeing a store ends its requests, those under way and those that wait" {
	export FFS_STALL_TIMEOUT=5s # a stranger's request to the port may have taken the "ok"
	local first
	# Two connections: either of the first two requests may be the one that is answered.
	for first in "ok hang" "hang ok"; do
		# shellcheck disable=SC2086
		stub $first 503 hang
		run -0 --separate-stderr s3get -m 2 FREE b 1 2 3 4 5 6
		[ "$(grep -c rc=ECANCELED <<<"$stderr")" -ge 4 ]
		[ "$(grep -c "^rc=" <<<"$stderr")" -eq 6 ]
	done
}

@test "no more connections than told are made" {
	stub ok
	run -0 --separate-stderr s3get -m 2 BOTH b 1 2 3 4 5 6 7 8
	[ "$(grep -c "rc=0.*connects=1" <<<"$stderr")" -le 2 ]
	[ "$(grep -c "rc=0" <<<"$stderr")" -eq 8 ]
}

@test "no proxy stands between us and a store on loopback" {
	stub ok
	unset NO_PROXY
	http_proxy=http://127.0.0.1:1 run -0 --separate-stderr s3get GET b k
	[ "$output" = hello ]
}

@test "a proxy is used for a store elsewhere, and its body is hashed" {
	stub ok
	unset NO_PROXY
	local proxy=$AWS_ENDPOINT_URL
	AWS_ENDPOINT_URL=http://store.example:9000 http_proxy=$proxy run -0 s3get PUT b k <<<body
	[[ $(cat requests) == $'PUT\thttp://store.example:9000/b/k\tHost: store.example:9000\t'* ]]
	# printf 'body\n' | sha256sum
	grep -q "x-amz-content-sha256: $(sha256sum <<<body | cut -d ' ' -f 1)" requests
}

@test "https wants a certificate that is trusted" {
	need_cmd openssl
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
		-days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
	cat key.pem cert.pem >both.pem
	STUB_TLS=both.pem stub ok
	run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"rc=EPROTO status=0"*"attempts=1"*"certificate"* ]]
	AWS_CA_BUNDLE=cert.pem run -0 --separate-stderr s3get PUT b k <<<body
	[[ $stderr == "rc=0 "* ]]
	grep -q "x-amz-content-sha256: UNSIGNED-PAYLOAD" requests
}

@test "a trace shows requests without credentials" {
	stub ok
	AWS_SESSION_TOKEN=TOKEN S3GET_VERBOSE=1 run -0 --separate-stderr s3get GET b k
	[[ $stderr == *"> GET /b/k HTTP/1.1"* ]]
	[[ $stderr != *AKTEST* && $stderr != *Signature* && $stderr != *TOKEN* ]]
}

@test "a listing that is no listing, or never ends, is refused" {
	echo '<a/>' >list
	stub file:list
	run -0 --separate-stderr s3get LIST b ''
	[[ $stderr == *"list=EBADMSG"* ]]
	cat >list <<-X
	<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>
	<Contents><Key>k</Key><Size>1</Size></Contents></ListBucketResult>
	X
	run -0 --separate-stderr s3get LIST b ''
	[[ $stderr == *"list=EBADMSG"* ]]
	[ "$(requests)" -eq 3 ]
}

@test "ffs-node: put, head, get, list and delete with odd keys" {
	start_node
	run -0 s3get PUT bkt </dev/null
	local key
	for key in 'a b' 'a+b' 'dir/x' 'dir/y&z' 'é' "quote'\"<>"; do
		run -0 --separate-stderr s3get -c PUT bkt "$key" <<<"$key"
		[[ $stderr == *"rc=0"* ]]
		run -0 --separate-stderr s3get -v GET bkt "$key"
		[ "$output" = "$key" ]
	done
	run -0 --separate-stderr s3get LIST bkt '' /
	[ "$(cut -d ' ' -f 1,4- <<<"$output")" = $'object a b\nobject a+b\nprefix dir/\nobject quote\'"<>\nobject é' ]
	run -0 --separate-stderr s3get LIST bkt dir/
	[ "$(cut -d ' ' -f 4- <<<"$output")" = $'dir/x\ndir/y&z' ]
	run -0 --separate-stderr s3get DELETE bkt 'a b'
	run -0 --separate-stderr s3get HEAD bkt 'a b'
	[[ $stderr == *"rc=ENOENT status=404"* ]]
	[[ $stderr == *"Not Found (404)"* ]]
}

@test "ffs-node: a wrong secret is a 403, a body that is not its checksum an error" {
	start_node
	run -0 s3get PUT bkt </dev/null
	sed -i 's/^aws_secret_access_key.*/aws_secret_access_key = wrong/' "$HOME/.config/ffs/credentials"
	run -0 --separate-stderr s3get GET bkt k
	[[ $stderr == *"rc=EACCES status=403 code=SignatureDoesNotMatch"* ]]
	[[ $stderr == *"credentials from [$url] of $HOME/.config/ffs/credentials"* ]]
}

@test "ffs-node: a presigned URL opens without credentials" {
	need_cmd curl
	start_node
	run -0 s3get PUT bkt </dev/null
	run -0 s3get PUT bkt 'a b/c+d' <<<hello
	run -0 s3get -p GET bkt 'a b/c+d'
	run -0 curl -sf "$output"
	[ "$output" = hello ]
}

# peer NAME: a third-party store, where scripts/peers has put it, on a free port.
peer() {
	local dir=${FFS_PEERS:-$BATS_TEST_DIRNAME/../build/peers}/bin
	[ -x "$dir/$1" ] || may_skip "no $1 (scripts/peers)"
	local port
	port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	mkdir data
	export AWS_ACCESS_KEY_ID=peerpeer AWS_SECRET_ACCESS_KEY=peersecret AWS_ENDPOINT_URL=http://127.0.0.1:$port
	if [ "$1" = minio ]; then
		MINIO_ROOT_USER=peerpeer MINIO_ROOT_PASSWORD=peersecret "$dir/minio" server \
			--quiet --address "127.0.0.1:$port" data >peer.log 2>&1 3>&- &
	else
		ROOT_ACCESS_KEY=peerpeer ROOT_SECRET_KEY=peersecret "$dir/versitygw" \
			--port "127.0.0.1:$port" posix data >peer.log 2>&1 3>&- &
	fi
	pids+=("$!")
	until_true 60 made_bucket
}

made_bucket() {
	FFS_RETRIES=0 s3get PUT bkt </dev/null 2>&1 | grep -q "^rc=\(0\|EEXIST\) "
}

speaks_s3() {
	local key
	for key in 'a b' 'a+b' 'dir/x' 'é%41' "q'\"<>&"; do
		run -0 --separate-stderr s3get -c PUT bkt "$key" <<<"$key"
		[[ $stderr == "rc=0 "* ]]
		run -0 --separate-stderr s3get -v GET bkt "$key"
		[ "$output" = "$key" ]
	done
	run -0 --separate-stderr s3get LIST bkt '' /
	[ "$(cut -d ' ' -f 1,4- <<<"$output")" = $'object a b\nobject a+b\nprefix dir/\nobject q\'"<>&\nobject é%41' ]
	run -0 --separate-stderr s3get -n 2 -f 'Range: bytes=1-1' GET bkt 'a+b'
	[ "$output" = ++ ]
	[[ ${stderr_lines[1]} == "rc=0 status=206 "*" bytes=1 size=4 "* ]]
	run -0 --separate-stderr s3get -f 'If-None-Match: *' PUT bkt 'a b' <<<other
	[[ $stderr == "rc=ESTALE status=412"* ]]
	run -0 --separate-stderr s3get HEAD bkt nope
	[[ $stderr == "rc=ENOENT status=404"* ]]
	run -0 --separate-stderr s3get DELETE bkt 'a b'
	run -0 --separate-stderr s3get GET bkt 'a b'
	[[ $stderr == *"NoSuchKey (404)"* ]]
	AWS_SECRET_ACCESS_KEY=wrong run -0 --separate-stderr s3get GET bkt 'a+b'
	[[ $stderr == "rc=EACCES status=403 code=SignatureDoesNotMatch "* ]]
}

@test "MinIO is a store" {
	peer minio
	speaks_s3
}

@test "versitygw is a store" {
	peer versitygw
	speaks_s3
}

@test "ffs-node is a store, and the same things hold" {
	start_node
	until_true 5 made_bucket
	AWS_ACCESS_KEY_ID=$(sed -n 's/^aws_access_key_id = //p' "$HOME/.config/ffs/credentials")
	AWS_SECRET_ACCESS_KEY=$(sed -n 's/^aws_secret_access_key = //p' "$HOME/.config/ffs/credentials")
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	rm "$HOME/.config/ffs/credentials"
	speaks_s3
}

@test "ffs-load: an answer that is lost on the way does not make a load think that another won" {
	start_node
	seq 1 5000 >book.csv
	local what node=$url nth=0
	AWS_ACCESS_KEY_ID=$(sed -n 's/^aws_access_key_id = //p' "$HOME/.config/ffs/credentials")
	AWS_SECRET_ACCESS_KEY=$(sed -n 's/^aws_secret_access_key = //p' "$HOME/.config/ffs/credentials")
	local id=$AWS_ACCESS_KEY_ID secret=$AWS_SECRET_ACCESS_KEY
	for what in .claim 00001.csv 1/manifest.json d4/manifest.json; do
		nth=$((nth + 1))
		stub "lose:$node:$what"
		export AWS_ACCESS_KEY_ID=$id AWS_SECRET_ACCESS_KEY=$secret
		ffs-split -r 1000 -n "d$nth" book.csv >tar
		run -0 ffs-load -n "d$nth" <tar
		[[ $output == *"generation 1"* ]]
		run -0 --separate-stderr ffs-get "d$nth"
		cmp <(echo "$output") book.csv
	done
}
