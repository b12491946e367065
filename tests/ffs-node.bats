load helper.bash

# A store that asks for no signatures: what is tested is what it does with a request.
start_anonymous() {
	start_node --anonymous "$@"
	curl -sS -X PUT "$url/bkt" -o /dev/null
}

# req METHOD TARGET [CURL OPTION...]: code, body in ./body, head in ./head.
req() {
	local method=$1 target=$2
	shift 2
	rm -f body head
	[ "$method" != HEAD ] || set -- -I "$@"
	code=$(curl -sS --path-as-is -X "$method" -o body -D head -w '%{http_code}' "$@" "$url$target")
	touch body
}

# The head answers with a header of this value.
header() {
	tr -d '\r' <head | grep -i -x -F "$1: $2" || { cat head >&2; return 1; }
}

# Percent-encode a key, '/' too.
encode() {
	local LC_ALL=C i c
	for ((i = 0; i < ${#1}; i++)); do
		c=${1:i:1}
		case $c in
		[A-Za-z0-9._~-]) printf %s "$c" ;;
		*) printf -v c %d "'$c" && printf '%%%02X' $((c & 255)) ;;
		esac
	done
	echo
}

# req_is CODE METHOD TARGET ...
req_is() {
	local want=$1
	shift
	req "$@"
	[ "$code" = "$want" ] || { echo "$* gave $code, not $want" >&2; cat head body >&2; return 1; }
}

# error_is STATUS S3-CODE METHOD TARGET ...
error_is() {
	local want=$1 name=$2
	shift 2
	req_is "$want" "$@"
	grep -q "<Code>$name</Code>" body || { cat body >&2; return 1; }
}

# Sets the AWS variables to the node's own keys.
own_keys() {
	local file=$HOME/.config/ffs/credentials
	AWS_ACCESS_KEY_ID=$(awk -v s="[$url]" '$0 == s { on = 1; next } /^\[/ { on = 0 } on && /access_key_id/ { print $3 }' "$file")
	AWS_SECRET_ACCESS_KEY=$(awk -v s="[$url]" '$0 == s { on = 1; next } /^\[/ { on = 0 } on && /secret_access/ { print $3 }' "$file")
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION=us-east-1 AWS_ENDPOINT_URL=$url
}

aws() {
	/usr/bin/aws --endpoint-url "$url" --no-cli-pager "$@"
}

uploading() {
	[ -n "$(ls store/.ffs.tmp)" ]
}

no_temporary() {
	[ -z "$(ls store/.ffs.tmp)" ]
}

stop_node() {
	kill -"${1:-TERM}" "$node_pid"
	wait "$node_pid"
}

node_gone() {
	! kill -0 "$node_pid" 2>/dev/null
}

# connect FD
connect() {
	local address=${url#http://}
	eval "exec $1<>/dev/tcp/${address%:*}/${address##*:}"
}

# last_words FD TEXT: send it (with printf's escapes) and the connection's end in one segment.
last_words() {
	need_cmd /usr/bin/python3 || return 1
	# shellcheck disable=SC2059
	printf "$2" | /usr/bin/python3 -c '
import socket, sys
s = socket.socket(fileno=int(sys.argv[1]))
s.send(sys.stdin.buffer.read(), socket.MSG_MORE)
s.shutdown(socket.SHUT_WR)' "$1"
}

# The same by a new connection; what comes until the node closes it, too, goes to ./answer.
say_and_end() {
	connect 4
	last_words 4 "$1" || return 1
	timeout 30 cat <&4 >answer || return 1
	exec 4>&-
}

# --- the command line ---

@test "help fits a screen and goes to stdout" {
	run -0 --separate-stderr ffs-node --help
	[[ $output == "usage: ffs-node "* ]]
	[ "${#lines[@]}" -le 24 ]
	[ -z "$stderr" ]
}

@test "the version is printed" {
	run -0 --separate-stderr ffs-node --version
	[[ $output == "ffs-node "* ]]
}

@test "without --serve it says what it can do" {
	usage_error ffs-node
	[[ $why == *"--serve"* ]]
}

@test "bad options are usage errors" {
	local bad
	for bad in --nope "--serve a b" "--serve --fsync=sometimes" "--serve --max-connections 0" \
		"--serve --max-connections 12x" "--serve --listen 9000" "--serve --listen :9000" \
		"--serve --listen 127.0.0.1:70000" "--serve --listen 127.0.0.1:x" "--serve --listen ::1:9000" \
		"--serve --listen no.such.host.invalid:1" "--serve --listen 0.0.0.0:0 --anonymous"; do
		# shellcheck disable=SC2086
		usage_error ffs-node $bad
	done
}

@test "a full disk under stdout is reported" {
	run -1 bash -c 'ffs-node --version >/dev/full'
	[[ $output == *"cannot write standard output"* ]]
	run -1 timeout 20 bash -c 'exec ffs-node --serve store --listen 127.0.0.1:0 >/dev/full'
	[[ $output == *"cannot write standard output"* ]]
}

@test "stdout gets the URL and nothing else" {
	start_node -v
	curl -sS "$url/healthz" >body
	curl -sS "$url/none" >/dev/null
	stop_node
	[[ $(cat node.url) =~ ^http://127\.0\.0\.1:[0-9]+$ ]]
	[ "$(wc -l <node.url)" -eq 1 ]
}

@test "the directory comes as a word, behind '=', or is the default one" {
	local args
	for args in "--serve one" "--serve=one" "-s one" "-sone" "--serve"; do
		# shellcheck disable=SC2086
		ffs-node $args --listen 127.0.0.1:0 >url.txt 2>err.txt 3>&- &
		node_pid=$!
		pids+=("$node_pid")
		until_true 20 test -s url.txt
		stop_node
		: >url.txt
		if [ "$args" = --serve ]; then
			test -d "$HOME/.local/share/ffs/store/.ffs.tmp"
		else
			test -d one/.ffs.tmp
			rm -r one
		fi
	done
}

@test "IPv6 loopback in brackets works" {
	[ -e /proc/net/if_inet6 ] || need "needs IPv6"
	start_node --listen '[::1]:0'
	[[ $url == "http://[::1]:"* ]]
	[ "$(curl -sS -g "$url/healthz")" = ok ]
}

@test "a directory is served once at a time" {
	start_node
	run -1 --separate-stderr timeout 20 ffs-node --serve store --listen 127.0.0.1:0
	[[ $stderr == *"another ffs-node"* ]]
	[ -z "$output" ]
}

@test "an address in use is reported" {
	start_node
	run -1 --separate-stderr timeout 20 ffs-node --serve other --listen "${url#http://}"
	[[ $stderr == *"cannot listen"* ]]
}

@test "a file where the directory should be is an error" {
	touch store
	run -1 --separate-stderr timeout 20 ffs-node --serve store --listen 127.0.0.1:0
	[[ $stderr == *"cannot serve 'store'"* ]]
}

@test "a file system without user extended attributes is refused" {
	need_root
	unshare --mount true || need "needs unshare"
	mkdir mnt
	run -7 --separate-stderr unshare --mount bash -c 'mount -t ramfs ramfs mnt &&
		! setfattr -n user.x -v 1 mnt 2>/dev/null || exit 99
		exec timeout 20 ffs-node --serve mnt/store --listen 127.0.0.1:0'
	[[ $stderr == *"extended attributes"* ]]
}

# --- keys and signatures ---

@test "the first start makes a key pair that nobody else can read, the second keeps it" {
	start_node
	[ "$(stat -c %a "$HOME/.config/ffs/credentials")" = 600 ]
	cp "$HOME/.config/ffs/credentials" before
	stop_node
	start_node --listen "${url#http://}"
	cmp before "$HOME/.config/ffs/credentials"
}

@test "no request but /healthz is answered without a signature" {
	start_node
	req_is 200 GET /healthz
	error_is 403 AccessDenied GET /
	error_is 403 AccessDenied GET /bkt/key
	error_is 403 AccessDenied PUT /bkt --data-binary x
	error_is 403 AccessDenied GET /healthz/key
	error_is 403 AccessDenied POST /healthz -d x
	req_is 403 HEAD /bkt/key
	test ! -e store/bkt
}

@test "a body is not asked for before the signature is known to be good" {
	start_node
	head -c 100000 /dev/zero >data
	curl -sS -v -H 'Expect: 100-continue' -T data "$url/bkt/key" >body 2>trace
	grep -q '< HTTP/1.1 403' trace
	run -1 grep '100 Continue' trace
}

@test "wrong secrets, unknown keys and malformed signatures are told apart" {
	need_cmd /usr/bin/aws
	start_node
	own_keys
	aws s3 mb s3://bkt
	run -254 env AWS_SECRET_ACCESS_KEY=wrong /usr/bin/aws --endpoint-url "$url" s3api list-objects-v2 --bucket bkt
	[[ $output == *SignatureDoesNotMatch* ]]
	run -254 env AWS_ACCESS_KEY_ID=NOBODY /usr/bin/aws --endpoint-url "$url" s3api list-objects-v2 --bucket bkt
	[[ $output == *InvalidAccessKeyId* ]]
	error_is 400 AuthorizationHeaderMalformed GET / -H 'Authorization: AWS4-HMAC-SHA256 nonsense'
	error_is 400 AuthorizationQueryParametersError GET '/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=now'
	error_is 400 InvalidRequest GET / -H 'Authorization: AWS KEY:SIGNATURE'
}

@test "a clock that is an hour off is told the server's time" {
	need_cmd /usr/bin/aws
	need_cmd faketime
	start_node -v
	own_keys
	run -254 faketime -f -1h /usr/bin/aws --endpoint-url "$url" s3api list-buckets
	[[ $output == *RequestTimeTooSkewed* ]]
	run -254 faketime -f +1h /usr/bin/aws --endpoint-url "$url" s3api list-buckets
	[[ $output == *RequestTimeTooSkewed* ]]
}

@test "presigned URLs read and write until they expire, and for what they were signed only" {
	need_cmd /usr/bin/aws
	start_node
	own_keys
	aws s3 mb s3://bkt
	head -c 5000 /dev/urandom >data
	put=$(/usr/bin/python3 -c 'import boto3, os
c = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=boto3.session.Config(signature_version="s3v4"))
print(c.generate_presigned_url("put_object", Params={"Bucket": "bkt", "Key": "a b%+/ü"}))')
	[ "$(curl -sS -T data -o /dev/null -w '%{http_code}' "$put")" = 200 ]
	get=$(aws s3 presign "s3://bkt/a b%+/ü")
	curl -sS "$get" | cmp - data
	[ "$(curl -sS -r 5-9 "$get" | wc -c)" -eq 5 ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' -X DELETE "$get")" = 403 ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "${get/bkt/bkx}")" = 403 ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' -H 'x-amz-acl: private' "$get")" = 403 ]
	old=$(faketime -f -2h /usr/bin/aws --endpoint-url "$url" s3 presign "s3://bkt/a b%+/ü" --expires-in 60)
	curl -sS "$old" | grep -q 'Request has expired'
}

@test "beyond loopback a body has to be signed" {
	need_root
	unshare --net true || need "needs unshare"
	need_cmd /usr/bin/aws
	need_cmd ip
	cat >inside <<-'EOF'
		set -eu
		bats_require_minimum_version() { :; }
		. "$HELPER"
		pids=()
		ip link set lo up
		ip addr add 10.99.0.1/32 dev lo
		start_node --listen 0.0.0.0:0
		. ./own
		[[ $url == http://127.0.0.1:* ]]
		url=http://10.99.0.1:${url##*:}
		aws() { /usr/bin/aws --endpoint-url "$url" "$@"; }
		echo hello >data
		aws s3 mb s3://bkt
		aws s3 cp data s3://bkt/signed
		presign() { /usr/bin/python3 -c 'import boto3, sys
		c = boto3.client("s3", endpoint_url=sys.argv[1], config=boto3.session.Config(signature_version="s3v4"))
		print(c.generate_presigned_url(sys.argv[2], Params={"Bucket": "bkt", "Key": "k"}))' "$@"; }
		curl -sS -T data "$(presign "$url" put_object)" | grep -q 'unsigned payload is refused'
		[ "$(curl -sS -T data -o /dev/null -w '%{http_code}' "$(presign "${url/10.99.0.1/127.0.0.1}" put_object)")" = 200 ]
		[ "$(curl -sS "$(presign "$url" get_object)")" = hello ]
		kill "$node_pid"
	EOF
	sed -i 's/^\t*//' inside
	declare -f own_keys >own
	echo own_keys >>own
	HELPER=$BATS_TEST_DIRNAME/helper.bash unshare --net bash inside
}

# --- objects ---

@test "every kind of key comes back byte for byte, and none leaves the directory" {
	start_anonymous
	local key keys=(plain a a/b a/b/c a//b /lead trail/ // / . .. ../up ../../up a/../b ./x ...
		'100%' '%41' '%2e%2e' %% 'sp ace' 'plus+plus' "quote'\"<>&" 'üñï/☃' '*?[x]' '\back' '~' .hidden
		.ffs.tmp healthz $'tab\there' $'line\nbreak' $'del\x7f')
	for key in "${keys[@]}"; do
		printf 'bytes of %s' "$key" >data
		enc=$(encode "$key")
		req_is 200 PUT "/bkt/$enc" --data-binary @data
	done
	for key in "${keys[@]}"; do
		enc=$(encode "$key")
		req_is 200 GET "/bkt/$enc"
		printf 'bytes of %s' "$key" | cmp - body
	done
	# They are listed in the order of their bytes.
	req_is 200 GET '/bkt?list-type=2&encoding-type=url'
	grep -o '<Key>[^<]*' body | sed 's/<Key>//' >listed
	for key in "${keys[@]}"; do printf '%s\0' "$key"; done | LC_ALL=C sort -z |
		while IFS= read -r -d '' key; do encode "$key" | sed 's/%2F/\//g'; done >want
	diff want listed
	# Nothing is beside the bucket, and deleting all leaves no directory.
	[ "$(ls -A store | LC_ALL=C sort | tr '\n' ' ')" = ".ffs.tmp .ffs.uploads bkt " ]
	[ "$(ls -A | grep -c up)" -eq 0 ]
	for key in "${keys[@]}"; do
		enc=$(encode "$key")
		req_is 204 DELETE "/bkt/$enc"
	done
	[ -z "$(ls -A store/bkt)" ]
	req_is 204 DELETE /bkt
}

@test "ordinary keys are ordinary paths" {
	start_anonymous
	req_is 200 PUT /bkt/lobster/1/00000.csv --data-binary hello
	[ "$(cat store/bkt/lobster/1/00000.csv)" = hello ]
}

@test "keys that cannot be are refused by name" {
	start_anonymous
	long=$(head -c 1025 /dev/zero | tr '\0' k)
	error_is 400 KeyTooLongError PUT "/bkt/$long" -d x
	error_is 400 KeyTooLongError PUT "/bkt/${long:0:255}" -d x
	req_is 200 PUT "/bkt/${long:0:254}" -d x
	deep=$(head -c 512 /dev/zero | sed 's/\x0/k\//g')
	req_is 200 PUT "/bkt/$deep" -d x
	req_is 200 GET "/bkt/$deep"
	req_is 200 GET "/bkt?prefix=$deep"
	grep -q "<Key>$deep</Key>" body
	error_is 400 InvalidURI PUT /bkt/nul%00byte -d x
	error_is 400 InvalidURI PUT /bkt/%ff%fe -d x
	error_is 400 InvalidURI PUT /bkt/%c0%af -d x
	error_is 400 InvalidURI GET /bkt/%zz
	error_is 400 InvalidBucketName PUT /UPPER -d x
	error_is 400 InvalidBucketName PUT /ab
	error_is 400 InvalidBucketName PUT /healthz
	error_is 404 NoSuchBucket GET /.ffs.tmp/x
	error_is 404 NoSuchBucket PUT /../x -d x
}

@test "an object and a prefix of the same name live side by side, in any order" {
	start_anonymous
	local first second
	for first in a a/b; do
		[ $first = a ] && second=a/b || second=a
		req_is 200 PUT /bkt/$first -d 1:$first
		req_is 200 PUT /bkt/$second -d 1:$second
		req_is 200 PUT /bkt/a -d 2:a
		req_is 200 GET /bkt/a
		[ "$(cat body)" = 2:a ]
		req_is 200 GET '/bkt?list-type=2'
		[ "$(grep -o '<Key>[^<]*' body | tr '\n' ' ')" = "<Key>a <Key>a/b " ]
		req_is 204 DELETE /bkt/$first
		req_is 404 GET /bkt/$first
		req_is 200 GET /bkt/$second
		# What is left has its own path again.
		test -f store/bkt/$second
		req_is 204 DELETE /bkt/$second
		[ -z "$(ls -A store/bkt)" ]
	done
}

@test "files put there by hand are objects, links and pipes are not" {
	start_anonymous
	mkdir store/bkt/dir
	echo by hand >store/bkt/dir/file
	echo secret >secret
	ln -s ../../secret store/bkt/link
	ln -s .. store/bkt/up
	mkfifo store/bkt/pipe
	touch "store/bkt/%41" "store/bkt/"$'new\nline'
	req_is 200 GET /bkt/dir/file
	[ "$(cat body)" = "by hand" ]
	grep -q -i '^etag: "[0-9a-f]*-0"' head
	cp head before
	req_is 404 GET /bkt/link
	req_is 404 GET /bkt/up/bkt/dir/file
	req_is 404 GET /bkt/pipe
	req_is 404 GET /bkt/A
	req_is 200 GET '/bkt?list-type=2'
	[ "$(grep -o '<Key>[^<]*' body)" = "<Key>dir/file" ]
	# An edit in place is another version, also of what came in by PUT.
	req_is 200 PUT /bkt/put -d original
	req_is 200 GET /bkt/put
	old=$(grep -i ^etag head)
	echo edited >>store/bkt/put
	req_is 200 GET /bkt/put
	[ "$(grep -i ^etag head)" != "$old" ]
}

@test "what describes an object is kept with it" {
	start_anonymous
	req_is 200 PUT /bkt/k -d x -H 'Content-Type: text/x-y' -H 'Cache-Control: no-store' -H 'Content-Language: de' \
		-H 'Content-Disposition: attachment; filename="ü"' -H 'Content-Encoding: gzip' -H 'Expires: never' \
		-H 'x-amz-meta-One: eins' -H 'x-amz-meta-two: a: b'
	for m in GET HEAD; do
		req_is 200 $m /bkt/k
		header Content-Type text/x-y
		header Cache-Control no-store
		header Content-Language de
		header Content-Disposition 'attachment; filename="ü"'
		header Content-Encoding gzip
		header Expires never
		header x-amz-meta-one eins
		header x-amz-meta-two 'a: b'
		header ETag '"9dd4e461268c8034f5c8564e155c67a6"'
		header Accept-Ranges bytes
		header Content-Length 1
		grep -q -i '^last-modified: ' head
		grep -q -i '^x-amz-request-id: ' head
		grep -q -i '^date: ' head
	done
	req_is 200 GET '/bkt/k?response-content-type=a/b&response-content-disposition=inline'
	header Content-Type a/b
	header Content-Disposition inline
	long=$(head -c 2048 /dev/zero | tr '\0' m)
	error_is 400 MetadataTooLarge PUT /bkt/k -d y -H "x-amz-meta-m: $long"
	req_is 200 PUT /bkt/k -d y -H "x-amz-meta-m: ${long:0:2047}"
	req_is 200 GET /bkt/k
	header x-amz-meta-m "${long:0:2047}"
}

@test "ranges give exactly their bytes" {
	start_anonymous
	seq 1 20000 >data
	size=$(stat -c %s data)
	req_is 200 PUT /bkt/k --data-binary @data
	local r first count
	for r in 0-0:0:1 0-99:0:100 5000-70000:5000:65001 100-:100:$((size - 100)) -77:$((size - 77)):77 \
		$((size - 1))-$((size + 9)):$((size - 1)):1; do
		IFS=: read -r range first count <<<"$r"
		req_is 206 GET /bkt/k -H "Range: bytes=$range"
		cmp body <(tail -c +$((first + 1)) data | head -c "$count")
		header Content-Range "bytes $first-$((first + count - 1))/$size"
	done
	req_is 200 GET /bkt/k -H 'Range: bytes=0-1,5-6'
	cmp body data
	req_is 200 GET /bkt/k -H 'Range: bytes=nonsense'
	error_is 416 InvalidRange GET /bkt/k -H "Range: bytes=$size-"
	header Content-Range "bytes */$size"
	req_is 206 GET /bkt/k -H 'Range: bytes=0-9' -H 'If-Match: *'
	etag=$(tr -d '\r' <head | sed -n 's/^etag: //Ip')
	req_is 206 GET /bkt/k -H 'Range: bytes=0-9' -H "If-Range: $etag"
	req_is 200 GET /bkt/k -H 'Range: bytes=0-9' -H 'If-Range: "other"'
	req_is 200 PUT /bkt/empty -H 'Content-Length: 0'
	req_is 200 GET /bkt/empty
	[ ! -s body ]
	error_is 416 InvalidRange GET /bkt/empty -H 'Range: bytes=0-0'
}

@test "conditions on reads" {
	start_anonymous
	req_is 200 PUT /bkt/k -d x
	etag='"9dd4e461268c8034f5c8564e155c67a6"'
	req_is 200 GET /bkt/k
	date=$(tr -d '\r' <head | sed -n 's/^last-modified: //Ip')
	req_is 304 GET /bkt/k -H "If-None-Match: $etag"
	header ETag "$etag"
	header Content-Length 1
	[ ! -s body ]
	req_is 200 GET /bkt/k -H 'If-None-Match: "other"'
	req_is 200 GET /bkt/k -H "If-Match: $etag"
	error_is 412 PreconditionFailed GET /bkt/k -H 'If-Match: "other"'
	req_is 304 GET /bkt/k -H "If-Modified-Since: $date"
	req_is 200 GET /bkt/k -H "If-Unmodified-Since: $date"
	error_is 412 PreconditionFailed GET /bkt/k -H 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT'
	req_is 200 GET /bkt/k -H 'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT'
	req_is 412 HEAD /bkt/k -H 'If-Match: "other"'
	length=$(tr -d '\r' <head | sed -n 's/^content-length: //Ip')
	req_is 412 GET /bkt/k -H 'If-Match: "other"'
	header Content-Length "$length"
}

@test "conditions on writes" {
	start_anonymous
	req_is 200 PUT /bkt/k -d x -H 'If-None-Match: *'
	error_is 412 PreconditionFailed PUT /bkt/k -d y -H 'If-None-Match: *'
	error_is 412 PreconditionFailed PUT /bkt/k -d y -H 'If-Match: "other"'
	req_is 200 PUT /bkt/k -d y -H 'If-Match: "9dd4e461268c8034f5c8564e155c67a6"'
	error_is 404 NoSuchKey PUT /bkt/none -d y -H 'If-Match: "9dd4e461268c8034f5c8564e155c67a6"'
	error_is 501 NotImplemented PUT /bkt/k -d z -H 'If-None-Match: "x"'
	error_is 412 PreconditionFailed DELETE /bkt/k -H 'If-Match: "other"'
	req_is 200 GET /bkt/k
	[ "$(cat body)" = y ]
	no_temporary
}

@test "of many who create a key at once, one does" {
	start_anonymous
	local i
	for i in $(seq 24); do
		printf 'url = "%s/bkt/k"\nupload-file = "data.%s"\nheader = "If-None-Match: *"\nwrite-out = "%%{http_code}\\n"\noutput = "/dev/null"\nnext\n' "$url" "$i"
		echo "$i" >"data.$i"
	done | sed '$d' >config
	curl -sS -Z --parallel-immediate --parallel-max 24 -K config >codes
	[ "$(sort codes | uniq -c | tr -s ' \n' ' ')" = " 1 200 23 412 " ]
}

@test "of many who replace a version at once, one does" {
	start_anonymous
	req_is 200 PUT /bkt/k -d x
	local i
	for i in $(seq 24); do
		printf 'url = "%s/bkt/k"\nupload-file = "data.%s"\nheader = "If-Match: \\"9dd4e461268c8034f5c8564e155c67a6\\""\nwrite-out = "%%{http_code}\\n"\noutput = "/dev/null"\nnext\n' "$url" "$i"
		echo "$i" >"data.$i"
	done | sed '$d' >config
	curl -sS -Z --parallel-immediate --parallel-max 24 -K config >codes
	[ "$(sort codes | uniq -c | tr -s ' \n' ' ')" = " 1 200 23 412 " ]
}

@test "missing things have S3's codes" {
	start_anonymous
	error_is 404 NoSuchKey GET /bkt/none
	req_is 404 HEAD /bkt/none
	error_is 404 NoSuchBucket GET /none/key
	error_is 404 NoSuchBucket GET /none
	error_is 404 NoSuchBucket PUT /none/key -d x
	error_is 404 NoSuchBucket DELETE /none/key
	error_is 404 NoSuchBucket DELETE /none
	req_is 404 HEAD /none
	req_is 204 DELETE /bkt/none
	error_is 409 BucketAlreadyOwnedByYou PUT /bkt
	req_is 200 PUT /bkt/k -d x
	error_is 409 BucketNotEmpty DELETE /bkt
	error_is 404 NoSuchVersion GET '/bkt/k?versionId=abc'
	req_is 200 GET '/bkt/k?versionId=null'
	error_is 404 NoSuchUpload PUT '/bkt/k?partNumber=1&uploadId=../../bkt' -d x
	error_is 404 NoSuchUpload DELETE '/bkt/k?uploadId=00000000000000000000000000000000'
}

@test "what is not implemented is not mistaken for something else" {
	start_anonymous
	req_is 200 PUT /bkt/k -d original
	local sub
	for sub in tagging acl retention legal-hold torrent restore unknown; do
		error_is 501 NotImplemented PUT "/bkt/k?$sub" -d overwritten
	done
	error_is 501 NotImplemented PUT '/bkt/k?x-amz-server-side-encryption=AES256' -d overwritten
	for sub in policy lifecycle cors website versions object-lock notification encryption; do
		error_is 501 NotImplemented GET "/bkt?$sub"
		error_is 501 NotImplemented PUT "/bkt?$sub" -d x
	done
	error_is 501 NotImplemented POST /bkt -d x
	error_is 501 NotImplemented PUT /bkt/k -d overwritten -H 'x-amz-server-side-encryption: AES256'
	error_is 501 NotImplemented PUT /bkt/k -d overwritten -H 'x-amz-tagging: a=b'
	error_is 501 NotImplemented PUT /bkt/k -d overwritten -H 'x-amz-object-lock-mode: GOVERNANCE'
	error_is 400 AccessControlListNotSupported PUT /bkt/k -d overwritten -H 'x-amz-acl: public-read'
	error_is 400 InvalidStorageClass PUT /bkt/k -d overwritten -H 'x-amz-storage-class: GLACIER'
	error_is 501 NotImplemented PATCH /bkt/k -d overwritten
	req_is 200 GET /bkt/k
	[ "$(cat body)" = original ]
}

# --- bodies and checksums ---

@test "a checksum that does not match stores nothing" {
	start_anonymous
	printf hello >data
	local good=(Content-MD5:XUFAKrxLKna5cZ2REBfFkg== x-amz-checksum-crc32:NhCmhg==
		x-amz-checksum-crc32c:mnG7TA== x-amz-checksum-sha1:qvTGHdzF6KLavt4PO0gs2a6pQ00=
		x-amz-checksum-sha256:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=
		x-amz-checksum-crc64nvme:M3eFcAZSQlc=
		x-amz-content-sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824)
	local h bad
	for h in "${good[@]}"; do
		req_is 200 PUT /bkt/k --data-binary @data -H "$h"
		req_is 204 DELETE /bkt/k
		req_is 400 PUT /bkt/k --data-binary HELLO -H "$h"
		grep -q -E '<Code>(BadDigest|XAmzContentSHA256Mismatch)</Code>' body
		req_is 404 GET /bkt/k
	done
	error_is 400 InvalidDigest PUT /bkt/k --data-binary @data -H 'Content-MD5: nonsense'
	error_is 400 InvalidDigest PUT /bkt/k --data-binary @data -H 'x-amz-checksum-crc32: AAAA'
	no_temporary
}

@test "checksums are kept and given to those who ask" {
	start_anonymous
	req_is 200 PUT /bkt/k --data-binary hello -H x-amz-checksum-crc32c:mnG7TA==
	header x-amz-checksum-crc32c mnG7TA==
	req_is 200 GET /bkt/k -H 'x-amz-checksum-mode: ENABLED'
	header x-amz-checksum-crc32c mnG7TA==
	error_is 412 PreconditionFailed PUT /bkt/k --data-binary hello -H 'If-None-Match: *' \
		-H x-amz-checksum-crc32c:mnG7TA==
	run -1 grep -i x-amz-checksum head
	req_is 200 GET /bkt/k
	run -1 grep -i x-amz-checksum head
}

@test "aws-chunked bodies are decoded, with trailers and without" {
	start_anonymous
	local how
	for how in "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER" "Content-Encoding: aws-chunked" \
		"Content-Encoding: gzip,aws-chunked" "x-amz-content-sha256: UNSIGNED-PAYLOAD"; do
		printf '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n' >data
		req_is 200 PUT /bkt/k --data-binary @data -H "$how" -H 'x-amz-decoded-content-length: 5' \
			-H 'x-amz-trailer: x-amz-checksum-crc32'
		req_is 200 GET /bkt/k -H 'x-amz-checksum-mode: ENABLED'
		[ "$(cat body)" = hello ]
		header x-amz-checksum-crc32 NhCmhg==
		case $how in
		*gzip*) header Content-Encoding gzip ;;
		*) run -1 grep -i content-encoding head ;;
		esac
	done
	local h=(-H 'x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER' -H 'x-amz-decoded-content-length: 5')
	req_is 204 DELETE /bkt/k
	printf '5\r\nHELLO\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n' >data
	error_is 400 BadDigest PUT /bkt/k --data-binary @data "${h[@]}" -H 'x-amz-trailer: x-amz-checksum-crc32'
	printf '5\r\nhello\r\n0\r\n\r\n' >data
	error_is 400 MalformedTrailerError PUT /bkt/k --data-binary @data "${h[@]}" -H 'x-amz-trailer: x-amz-checksum-crc32'
	error_is 400 MalformedTrailerError PUT /bkt/k --data-binary hello -H 'x-amz-trailer: x-amz-checksum-crc32'
	error_is 501 NotImplemented PUT /bkt/k --data-binary @data "${h[@]}" -H 'x-amz-trailer: x-amz-other'
	# A trailer that was not announced is not ignored, be its sum right or wrong.
	local crc32='x-amz-checksum-crc32:NhCmhg==' crc32c='x-amz-checksum-crc32c:mnG7TA==' fields
	for fields in "$crc32" x-amz-checksum-crc32:AAAAAA== x-amz-other:1 "no colon"; do
		printf '5\r\nhello\r\n0\r\n%s\r\n\r\n' "$fields" >data
		error_is 400 MalformedTrailerError PUT /bkt/k --data-binary @data "${h[@]}"
		error_is 400 MalformedTrailerError PUT /bkt/k --data-binary @data "${h[@]}" -H 'x-amz-trailer: x-amz-checksum-sha1'
	done
	for fields in "$crc32\r\n$crc32" "$crc32\r\n$crc32c" "$crc32c\r\n$crc32"; do
		printf '5\r\nhello\r\n0\r\n%b\r\n\r\n' "$fields" >data
		error_is 400 MalformedTrailerError PUT /bkt/k --data-binary @data "${h[@]}" -H 'x-amz-trailer: x-amz-checksum-crc32'
	done
	# Every sum that is sent is checked: in the head and behind the body.
	printf '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n' >data
	error_is 400 BadDigest PUT /bkt/k --data-binary @data "${h[@]}" -H 'x-amz-trailer: x-amz-checksum-crc32' -H "$crc32"
	error_is 400 InvalidRequest PUT /bkt/k --data-binary @data "${h[@]}" -H 'x-amz-trailer: x-amz-checksum-crc32' -H "$crc32c"
	error_is 400 InvalidRequest PUT /bkt/k --data-binary hello -H "$crc32" -H x-amz-checksum-sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=
	for bad in '5\r\nhello\r\n' '4\r\nhell\r\n0\r\n\r\n' '6\r\nhello!\r\n0\r\n\r\n' 'hello' '5\r\nhelloXX0\r\n\r\n'; do
		# shellcheck disable=SC2059
		printf "$bad" >data
		error_is 400 IncompleteBody PUT /bkt/k --data-binary @data "${h[@]}"
	done
	error_is 411 MissingContentLength PUT /bkt/k --data-binary @data -H 'Content-Encoding: aws-chunked'
	error_is 501 NotImplemented PUT /bkt/k --data-binary @data -H 'x-amz-content-sha256: STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' \
		-H 'x-amz-decoded-content-length: 5'
	# A hash is of the bytes as sent; taking the framing off would leave it unchecked.
	printf '5\r\nhello\r\n0\r\n\r\n' >data
	sum=$(sha256sum data | cut -d' ' -f1)
	error_is 400 InvalidRequest PUT /bkt/k --data-binary @data -H "x-amz-content-sha256: $sum" \
		-H 'Content-Encoding: aws-chunked' -H 'x-amz-decoded-content-length: 5'
	req_is 404 GET /bkt/k
	no_temporary
	# Some clients announce a trailer, and send the sum in the head instead.
	req_is 200 PUT /bkt/k --data-binary @data "${h[@]}" -H 'x-amz-trailer: x-amz-checksum-crc32' -H "$crc32"
	req_is 200 GET /bkt/k
	[ "$(cat body)" = hello ]
}

@test "a body of unknown length is refused" {
	start_anonymous
	error_is 411 MissingContentLength PUT /bkt/k -T - -H 'Transfer-Encoding: chunked' </dev/null
	error_is 400 EntityTooLarge PUT /bkt/k -H 'Content-Length: 6000000000000' -H 'Expect: 100-continue'
}

@test "a request whose end can be read in two ways is refused, and nothing behind it is read" {
	start_anonymous
	local address=${url#http://} fields answer
	for fields in 'Content-Length: 5\r\nContent-Length: 6' 'Content-Length: 5\r\nTransfer-Encoding: chunked' \
		'Transfer-Encoding: gzip, chunked' 'Transfer-Encoding: xchunked' \
		'Content-Length: 5\r\nTransfer-Encoding : chunked' 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x'; do
		exec 4<>"/dev/tcp/${address%:*}/${address##*:}"
		# shellcheck disable=SC2059
		printf "PUT /bkt/k HTTP/1.1\r\nHost: x\r\n$fields\r\n\r\n0\r\n\r\nDELETE /bkt HTTP/1.1\r\nHost: x\r\n\r\n" >data
		cat data >&4 # in one write: the server may close before another
		answer=$(timeout 20 cat <&4 || true)
		exec 4>&-
		[[ $answer == 'HTTP/1.1 400 '*'<Code>InvalidRequest<'* ]] || { echo "$fields: $answer" >&2; return 1; }
		req_is 200 HEAD /bkt
	done
	req_is 404 GET /bkt/k
}

@test "a client that goes away in mid-upload leaves nothing" {
	start_anonymous
	head -c 300000 /dev/zero >data
	run -28 curl -sS --limit-rate 100k -m 1 -T data "$url/bkt/k"
	until_true 20 no_temporary
	req_is 404 GET /bkt/k
}

# --- listings ---

keys_of() {
	grep -o '<Key>[^<]*' body | sed 's/<Key>//' | tr '\n' ' '
}

@test "listings have prefix, delimiter, pages and both versions" {
	start_anonymous
	local k
	for k in a b/1 b/2 b/3/x c; do req_is 200 PUT /bkt/$k -d x; done
	req_is 200 GET '/bkt?delimiter=/'
	[ "$(keys_of)" = "a c " ]
	grep -q '<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>' body
	grep -q '<Marker></Marker>' body
	req_is 200 GET '/bkt?list-type=2&prefix=b/&delimiter=/'
	[ "$(keys_of)" = "b/1 b/2 " ]
	grep -q '<KeyCount>3</KeyCount>' body
	req_is 200 GET '/bkt?list-type=2&max-keys=2'
	[ "$(keys_of)" = "a b/1 " ]
	grep -q '<IsTruncated>true</IsTruncated>' body
	token=$(sed -n 's/.*<NextContinuationToken>\([^<]*\).*/\1/p' body)
	req_is 200 GET "/bkt?list-type=2&max-keys=9&continuation-token=$token"
	[ "$(keys_of)" = "b/2 b/3/x c " ]
	grep -q '<IsTruncated>false</IsTruncated>' body
	req_is 200 GET '/bkt?list-type=2&start-after=b/2'
	[ "$(keys_of)" = "b/3/x c " ]
	req_is 200 GET '/bkt?marker=b/2&max-keys=1'
	[ "$(keys_of)" = "b/3/x " ]
	grep -q '<NextMarker>b/3/x</NextMarker>' body
	req_is 200 GET '/bkt?max-keys=0'
	[ "$(keys_of)" = "" ]
	grep -q '<IsTruncated>false</IsTruncated>' body
	error_is 400 InvalidArgument GET '/bkt?max-keys=x'
	error_is 400 InvalidArgument GET '/bkt?list-type=3'
	error_is 400 InvalidArgument GET '/bkt?list-type=2&continuation-token=zz'
	error_is 400 InvalidArgument GET '/bkt?encoding-type=base64'
}

@test "a directory without objects is no prefix, and does not keep its bucket" {
	start_anonymous
	mkdir -p store/bkt/empty/deeper
	req_is 200 GET '/bkt?delimiter=/'
	run -1 grep CommonPrefixes body
	req_is 204 DELETE /bkt
}

# --- uploads in parts, copies, batches ---

@test "an upload in parts becomes one object, and its ETag says so" {
	start_anonymous
	head -c 5242880 /dev/urandom >p1
	head -c 1000 /dev/urandom >p2
	req_is 200 POST '/bkt/k?uploads' -H 'Content-Type: text/x-y' -H 'x-amz-meta-a: b'
	id=$(sed -n 's/.*<UploadId>\([^<]*\).*/\1/p' body)
	req_is 200 PUT "/bkt/k?partNumber=7&uploadId=$id" --data-binary @p2
	req_is 200 PUT "/bkt/k?partNumber=2&uploadId=$id" --data-binary @p1
	req_is 404 GET /bkt/k
	req_is 200 GET "/bkt/k?uploadId=$id"
	[ "$(grep -o '<PartNumber>[0-9]*' body | tr '\n' ' ')" = "<PartNumber>2 <PartNumber>7 " ]
	req_is 200 GET '/bkt?uploads'
	grep -q "<UploadId>$id</UploadId>" body
	e1=$(md5sum <p1 | cut -d' ' -f1)
	e2=$(md5sum <p2 | cut -d' ' -f1)
	part() { echo "<Part><PartNumber>$1</PartNumber><ETag>$2</ETag></Part>"; }
	complete() { printf '<CompleteMultipartUpload>%s</CompleteMultipartUpload>' "$*" >xml; }
	complete "$(part 2 "$e1")" "$(part 6 "$e2")"
	error_is 400 InvalidPart POST "/bkt/k?uploadId=$id" --data-binary @xml
	complete "$(part 2 "$e2")" "$(part 7 "$e2")"
	error_is 400 InvalidPart POST "/bkt/k?uploadId=$id" --data-binary @xml
	complete "$(part 7 "$e2")" "$(part 2 "$e1")"
	error_is 400 InvalidPartOrder POST "/bkt/k?uploadId=$id" --data-binary @xml
	error_is 400 MalformedXML POST "/bkt/k?uploadId=$id" --data-binary '<CompleteMultipartUpload>'
	error_is 400 MalformedXML POST "/bkt/k?uploadId=$id" --data-binary '<CompleteMultipartUpload/>'
	error_is 400 InvalidArgument PUT "/bkt/k?partNumber=10001&uploadId=$id" -d x
	error_is 404 NoSuchUpload PUT "/bkt/other?partNumber=1&uploadId=$id" -d x
	complete "$(part 2 "&quot;$e1&quot;")" "$(part 7 "$e2")"
	req_is 200 POST "/bkt/k?uploadId=$id" --data-binary @xml
	want=$(/usr/bin/python3 -c 'import hashlib, sys; print(hashlib.md5(bytes.fromhex(sys.argv[1])).hexdigest())' "$e1$e2")-2
	grep -q "&quot;$want&quot;" body
	req_is 200 GET /bkt/k
	cat p1 p2 | cmp - body
	header ETag "\"$want\""
	header Content-Type text/x-y
	header x-amz-meta-a b
	[ -z "$(ls store/.ffs.uploads store/.ffs.tmp | grep -v :)" ]
	error_is 404 NoSuchUpload POST "/bkt/k?uploadId=$id" --data-binary @xml
}

@test "a small part that is not the last one is refused, an abort leaves nothing" {
	start_anonymous
	req_is 200 POST '/bkt/k?uploads'
	id=$(sed -n 's/.*<UploadId>\([^<]*\).*/\1/p' body)
	req_is 200 PUT "/bkt/k?partNumber=1&uploadId=$id" -d x
	req_is 200 PUT "/bkt/k?partNumber=2&uploadId=$id" -d x
	e=9dd4e461268c8034f5c8564e155c67a6
	printf '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part><Part><PartNumber>2</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>' $e $e >xml
	error_is 400 EntityTooSmall POST "/bkt/k?uploadId=$id" --data-binary @xml
	req_is 204 DELETE "/bkt/k?uploadId=$id"
	[ -z "$(ls store/.ffs.uploads store/.ffs.tmp | grep -v :)" ]
	req_is 404 GET /bkt/k
}

@test "an upload in parts may be conditional" {
	start_anonymous
	req_is 200 PUT /bkt/k -d old
	req_is 200 POST '/bkt/k?uploads'
	id=$(sed -n 's/.*<UploadId>\([^<]*\).*/\1/p' body)
	req_is 200 PUT "/bkt/k?partNumber=1&uploadId=$id" -d x
	printf '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>9dd4e461268c8034f5c8564e155c67a6</ETag></Part></CompleteMultipartUpload>' >xml
	error_is 412 PreconditionFailed POST "/bkt/k?uploadId=$id" --data-binary @xml -H 'If-None-Match: *'
	req_is 204 DELETE /bkt/k
	req_is 200 POST "/bkt/k?uploadId=$id" --data-binary @xml -H 'If-None-Match: *'
	req_is 200 GET /bkt/k
	[ "$(cat body)" = x ]
}

@test "copies keep the bytes, and the metadata or take new" {
	start_anonymous
	req_is 200 PUT '/bkt/a%20b' -d x -H 'Content-Type: text/x-y' -H 'x-amz-meta-a: b'
	req_is 200 PUT /bkt/c -H 'x-amz-copy-source: /bkt/a%20b'
	grep -q CopyObjectResult body
	req_is 200 GET /bkt/c
	[ "$(cat body)" = x ]
	header x-amz-meta-a b
	header Content-Type text/x-y
	req_is 200 PUT /bkt/c -H 'x-amz-copy-source: bkt/c' -H 'x-amz-metadata-directive: REPLACE' -H 'x-amz-meta-n: new'
	req_is 200 GET /bkt/c
	[ "$(cat body)" = x ]
	header x-amz-meta-n new
	header ETag '"9dd4e461268c8034f5c8564e155c67a6"'
	run -1 grep -i x-amz-meta-a head
	error_is 404 NoSuchKey PUT /bkt/d -H 'x-amz-copy-source: bkt/none'
	error_is 400 InvalidArgument PUT /bkt/d -H 'x-amz-copy-source: nothing'
	error_is 412 PreconditionFailed PUT /bkt/d -H 'x-amz-copy-source: bkt/c' -H 'x-amz-copy-source-if-match: "other"'
	error_is 412 PreconditionFailed PUT /bkt/c -H 'x-amz-copy-source: bkt/c' -H 'If-None-Match: *'
}

@test "a batch of deletes does all that it can" {
	start_anonymous
	local k
	for k in 'a&b' c/d c/e; do req_is 200 PUT "/bkt/$k" -d x; done
	printf '<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c/d</Key></Object><Object><Key>none</Key></Object><Object><Key>c/e</Key><VersionId>abc</VersionId></Object></Delete>' >xml
	req_is 200 POST '/bkt?delete' --data-binary @xml
	[ "$(grep -o '<Deleted>' body | wc -l)" -eq 3 ]
	grep -q '<Error><Key>c/e</Key><Code>NoSuchVersion</Code>' body
	req_is 404 GET '/bkt/a&b'
	req_is 200 GET /bkt/c/e
	printf '<Delete><Object><Key>c/e</Key></Object><Quiet>true</Quiet></Delete>' >xml
	req_is 200 POST '/bkt?delete' --data-binary @xml
	run -1 grep '<Deleted>' body
	[ -z "$(ls -A store/bkt)" ]
	req_is 200 PUT /bkt/k -d x
	error_is 400 MalformedXML POST '/bkt?delete' --data-binary '<Delete><Object><Key>k</Key></Object>'
	printf '<!DOCTYPE d [<!ENTITY e "k">]><Delete><Object><Key>&e;</Key></Object></Delete>' >xml
	error_is 400 MalformedXML POST '/bkt?delete' --data-binary @xml
	{ echo '<Delete>'; seq -f '<Object><Key>k%g</Key></Object>' 1001; echo '<Object><Key>k</Key></Object></Delete>'; } >xml
	error_is 400 MalformedXML POST '/bkt?delete' --data-binary @xml
	head -c 7000000 /dev/zero >xml
	error_is 400 EntityTooLarge POST '/bkt?delete' --data-binary @xml
	req_is 200 GET /bkt/k
}

# --- the server itself ---

@test "each request is one line of JSON, without secrets" {
	need_cmd jq
	start_anonymous --log log.json
	req_is 200 PUT '/bkt/k%0A%22' --data-binary hello
	req_is 206 GET '/bkt/k%0A%22' -H 'Range: bytes=1-2'
	req_is 404 GET '/bkt/none?X-Amz-Signature=secret'
	stop_node
	[ "$(jq -r '[.verb, .op, .status, .bytes, .received_bytes] | @csv' log.json | sed -n 2,3p)" = '"PUT","PutObject",200,0,5
"GET","GetObject",206,2,0' ]
	[ "$(jq -r 'select(.verb == "PUT" and .op == "PutObject") | .key' log.json)" = $'k\n"' ]
	[ "$(jq -r '.error' log.json | tail -n 1)" = NoSuchKey ]
	jq -e 'has("time") and has("peer") and has("us") and .us >= 0' log.json >/dev/null
	run -1 grep -i secret log.json
}

@test "a log that cannot be opened is an error" {
	run -1 --separate-stderr timeout 20 ffs-node --serve store --listen 127.0.0.1:0 --log none/log
	[[ $stderr == *"cannot open log"* ]]
}

@test "SIGTERM finishes what is in flight" {
	start_anonymous
	head -c 400000 /dev/urandom >data
	curl -sS --limit-rate 200k -T data -o /dev/null -w '%{http_code}' "$url/bkt/k" >code 3>&- &
	curl_pid=$!
	until_true 20 uploading
	stop_node TERM
	wait "$curl_pid"
	[ "$(cat code)" = 200 ]
	cmp data store/bkt/k
	run -7 curl -sS "$url/healthz"
}

@test "a peer that ends with its last data is not kept" {
	start_anonymous -v
	req_is 200 PUT /bkt/k -d hello
	local half='PUT /bkt/half HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf'
	say_and_end 'GET /bkt/k HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n'
	grep -q hello answer
	say_and_end 'GET /bkt/k HTTP/1.1\r\nHost: x\r\n'
	[ ! -s answer ]
	say_and_end "$half"
	grep '"op":"PutObject".*"received_bytes":4,.*"complete":false' node.log
	no_temporary
	req_is 404 GET /bkt/half
	# Large enough that the answer goes on when it is known that the peer has ended.
	head -c 20000000 /dev/urandom >data
	req_is 200 PUT /bkt/large --data-binary @data
	say_and_end 'GET /bkt/large HTTP/1.1\r\nHost: x\r\n\r\n'
	tail -c 20000000 answer | cmp - data
}

@test "SIGTERM waits for no connection without a request, and for no request that cannot end" {
	start_anonymous
	req_is 200 PUT /bkt/k -d hello
	# One without a request, one behind a request, one in the middle of a request.
	connect 4
	connect 5
	printf 'GET /bkt/k HTTP/1.1\r\nHost: x\r\n\r\n' >&5
	timeout 20 grep -q -m 1 hello < <(timeout 20 sed -u '/^\r$/q' <&5; head -c 5 <&5)
	connect 6
	printf 'PUT /bkt/half HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf' >&6
	until_true 20 uploading
	kill -TERM "$node_pid"
	last_words 6 more
	until_true 20 node_gone
	wait "$node_pid"
	run -1 grep unfinished node.log
	exec 4>&- 5>&- 6>&-
	no_temporary
}

@test "SIGINT ends it, too" {
	start_node
	# A background job of a shell ignores SIGINT; sigtimedwait does not.
	stop_node INT
}

@test "kill -9 in mid-upload: nothing half-visible, no temporary left, the rest is there" {
	start_anonymous --fsync=always
	local i round
	for i in 1 2 3; do req_is 200 PUT "/bkt/kept/$i" -d "$i"; done
	head -c 4000000 /dev/urandom >data
	for round in 1 2 3; do
		curl -sS --limit-rate 1m -T data "$url/bkt/half" >/dev/null 2>&1 3>&- &
		curl_pid=$!
		pids+=("$curl_pid")
		until_true 20 uploading
		kill -KILL "$node_pid"
		wait "$node_pid" || true
		wait "$curl_pid" || true
		uploading
		start_node --anonymous --listen "${url#http://}"
		no_temporary
		req_is 404 GET /bkt/half
		for i in 1 2 3; do
			req_is 200 GET "/bkt/kept/$i"
			[ "$(cat body)" = "$i" ]
		done
	done
}

@test "an upload in parts survives kill -9" {
	start_anonymous
	req_is 200 POST '/bkt/k?uploads'
	id=$(sed -n 's/.*<UploadId>\([^<]*\).*/\1/p' body)
	req_is 200 PUT "/bkt/k?partNumber=1&uploadId=$id" -d x
	kill -KILL "$node_pid"
	wait "$node_pid" || true
	start_node --anonymous
	printf '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>9dd4e461268c8034f5c8564e155c67a6</ETag></Part></CompleteMultipartUpload>' >xml
	req_is 200 POST "/bkt/k?uploadId=$id" --data-binary @xml
	req_is 200 GET /bkt/k
}

@test "a full disk is told, and leaves no temporary" {
	need_root
	unshare --mount true || need "needs unshare"
	mkdir mnt
	declare -f req header req_is error_is no_temporary >functions
	cat >inside <<-'EOF'
		set -eu
		bats_require_minimum_version() { :; }
		. "$HELPER"
		. ./functions
		pids=()
		mount -t tmpfs -o size=2m tmpfs mnt
		mkdir mnt/store
		ln -s mnt/store store
		start_node --anonymous
		req_is 200 PUT /bkt
		req_is 200 PUT /bkt/small -d x
		head -c 3000000 /dev/zero >data
		error_is 507 InsufficientStorage PUT /bkt/big --data-binary @data
		no_temporary
		# What is short is tried, and fails in the middle.
		head -c 900000 data >short
		req_is 200 PUT /bkt/first --data-binary @short
		req_is 200 PUT /bkt/second --data-binary @short
		error_is 507 InsufficientStorage PUT /bkt/third --data-binary @short
		no_temporary
		req_is 404 GET /bkt/big
		req_is 200 GET /bkt/small
		req_is 200 PUT /bkt/small2 -d x
		kill "$node_pid"
	EOF
	HELPER=$BATS_TEST_DIRNAME/helper.bash unshare --mount bash inside
}

@test "heads and targets that are too large are refused, and the server lives" {
	start_anonymous
	long=$(head -c 60000 /dev/zero | tr '\0' h)
	req GET /bkt/k -H "x-long: $long" -H "y-long: $long" || true
	[ "$code" != 200 ]
	req GET "/bkt/k?prefix=${long:0:40000}" || true
	[ "$code" != 200 ]
	req_is 200 GET /healthz
}

@test "connections over the limit do not stop those within it" {
	start_anonymous --max-connections 4
	local fds=() fd i host=${url#http://}
	for i in 1 2 3 4 5 6; do
		exec {fd}<>"/dev/tcp/${host%:*}/${host##*:}" || true
		fds+=("$fd")
	done
	for fd in "${fds[@]}"; do exec {fd}>&-; done
	until_true 20 curl -sS -o /dev/null "$url/healthz"
}

@test "a connection beyond the limit is served when another one ends" {
	start_anonymous --max-connections 1
	local first second line host=${url#http://}
	exec {first}<>"/dev/tcp/${host%:*}/${host##*:}"
	printf 'GET /healthz HTTP/1.1\r\n' >&"$first" # not all of it
	exec {second}<>"/dev/tcp/${host%:*}/${host##*:}"
	printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' >&"$second"
	run -142 read -r -t 0.3 line <&"$second"
	exec {first}>&-
	read -r -t 10 line <&"$second"
	[[ $line == "HTTP/1.1 200"* ]]
	exec {second}>&-
}

@test "at the limit connections are not kept, so that one client cannot starve itself" {
	start_anonymous --max-connections 1
	req_is 200 GET /healthz
	header Connection close
	seq -f '%g,x' 1000 >d.csv
	ffs-split -r 100 d.csv | ffs-load -j 8
	run -0 bash -c 'FFS_STALL_TIMEOUT=20s ffs-get -j 8 d | cmp - d.csv'
}

@test "memory grows neither with the size nor with the number of objects" {
	start_anonymous
	head -c 1000000 /dev/zero >data
	seq -f 'key%04g' 200 >keys
	rss() { awk '/VmRSS/ { print $2 }' "/proc/$node_pid/status"; }
	put_all() {
		sed "s|.*|url = \"$url/bkt/$1/&\"\nupload-file = \"data\"\noutput = \"/dev/null\"|" keys >config
		curl -sS -K config
		sed "s|.*|url = \"$url/bkt/$1/&\"\noutput = \"/dev/null\"|" keys >config
		curl -sS -K config
		curl -sS -o /dev/null "$url/bkt?list-type=2"
	}
	put_all one
	before=$(rss)
	head -c 50000000 /dev/zero >data
	head -n 3 keys >few && mv few keys
	put_all two
	head -c 1000 /dev/zero >data
	seq -f 'key%05g' 3000 >keys
	put_all three
	after=$(rss)
	echo "$before kB, then $after kB"
	# The sanitizers keep freed memory for a while.
	ldd "$(command -v ffs-node)" | grep -q libasan || [ "$after" -lt $((before + 8000)) ]
}
