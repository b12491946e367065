# A store that answers to its own name only, as AWS does: what is signed for the gateway is signed anew.
# The store is one of ours, or MinIO, behind an nginx that gives it the name that it is called by; who has
# signed another one is refused by the store itself.  In the lab, where names and ports are nobody else's.
load helper.bash

export raw=$BATS_TEST_DIRNAME/s3raw requests=$BATS_TEST_DIRNAME/gate/requests
export ours=http://127.0.0.1:9009

# insist NAME [PORT SETTING...]: nginx on PORT (7000) before the store at $url, which is NAME to it.
# ./access has a line for each request: what was asked for in Host, and what came of it.
insist() {
	local name=$1 port=${2-7000}
	shift $(($# < 2 ? $# : 2))
	printf '127.0.0.1 localhost store.example s3.eu-west-1.amazonaws.com\n::1 localhost\n' >hosts
	mount --bind hosts /etc/hosts
	start_nginx <<-END
		log_format line '\$http_host \$request_method \$request_uri \$status';
		access_log $PWD/access line;
		upstream store { server ${url#http://}; keepalive 4; }
		server {
			listen 127.0.0.1:$port $*;
			ignore_invalid_headers off;
			location / {
				proxy_pass http://store;
				proxy_http_version 1.1;
				proxy_set_header Connection "";
				proxy_set_header Host $name;
				proxy_buffering off;
			}
		}
	END
	until_true 20 listening "$port" || { cat nginx.log >&2; return 1; }
}

# One of ours with the bucket bkt and the object k, its keys in the environment, known as
# http://store.example:7000: $url.
start_insisting() {
	start_node
	own_keys
	insist store.example:7000
	url=http://store.example:7000
	unset AWS_ENDPOINT_URL
	says 200 "$url" PUT /bkt
	says 200 -d 0123456789 "$url" PUT /bkt/k 'Content-Type: text/csv'
}

# gate [OPTION...]: the gateway, on 127.0.0.1:9009 and [::1]:9009.
gate() {
	: >gate.url
	ffs-cache --serve --origin "$url" "$@" >gate.url 2>gate.log 3>&- &
	gate_pid=$!
	pids+=("$gate_pid")
	until_true 20 test -s gate.url || { cat gate.log >&2; return 1; }
}

# says STATUS ARG...: s3raw's answer is in ./said.
says() {
	local want=$1
	shift
	"$raw" "$@" >said
	[[ $(head -n 1 said) == "$want "* ]] || { echo "not $want: $*" >&2; cat said >&2; return 1; }
}

# alike ARG...: the store by its name, and the gateway, say the same.
alike() {
	local options=()
	while [[ $1 == -* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	"$raw" "${options[@]}" "$url" "$@" >direct
	"$raw" "${options[@]}" "${through:-$ours}" "$@" >gated
	diff -u direct gated >&2 || { echo "differs: ${options[*]} $*" >&2; return 1; }
}

# same TRANSCRIPT: as ./direct.
same() {
	diff -u direct "$1" >difference || { head -n 40 difference >&2; cat gate.log >&2; return 1; }
}

# --- one of ours ---

lab_plain() {
	start_insisting
	# The store at fault: it is the name.
	says 403 http://127.0.0.1:7000 GET /bkt/k
	grep -q '<Code>SignatureDoesNotMatch<' said
	gate
	says 403 "$ours" GET /bkt/k
	grep -q '<Code>SignatureDoesNotMatch<' said
	says 403 -p 60 "$ours" GET /bkt/k
	stop_gate
	gate --resign -v
	for through in "$ours" 'http://[::1]:9009' http://localhost:9009; do
		alike GET /bkt/k
		says 200 "$through" GET /bkt/k
	done
	until_true 10 grep -qx 'store.example:7000 GET /bkt/k 200' access
	# The name that it has already.
	says 200 -H store.example:7000 "$ours" GET /bkt/k
	# Why one is not signed anew is said at -v.
	says 403 -k nobody:wrong "$ours" GET /bkt/k
	until_true 10 grep -qx 'ffs-cache: a request goes to the store as it came: it is signed with another key, or for another session' gate.log
	# A bucket in the name, and one that nobody knows: as they came.
	for host in bkt.localhost:9009 gateway.example:9009; do
		says 403 -H "$host" "$ours" GET /bkt/k
		until_true 10 grep -qx "$host GET /bkt/k 403" access
	done
}

@test "what is signed for the gateway is signed anew with --resign, and refused by the store without" {
	in_lab -n 1 lab_plain
}

lab_same() {
	start_insisting
	gate --resign
	local key
	for key in 'a+b%20c%2Bd' '/a%2Fb//./c/../' "%C3%BC%e2%82%ac!\$'()*,;:@=~%25%3F%23%26"; do
		says 200 -d "at $key" "$ours" PUT "/bkt/$key" 'x-amz-meta-a: b c'
		alike GET "/bkt/$key"
		grep -qxF "at $key" gated
		alike -p 60 GET "/bkt/$key" 'Range: bytes=1-2'
	done
	for key in a+b%20 /a%2F %C3%BC%e2%82%ac%21 %25; do
		alike GET "/bkt?list-type=2&prefix=$key&delimiter=%2F"
	done
	alike -p 60 GET '/bkt/?delimiter=/&prefix=a+b%20&marker'
	alike -p 60 HEAD /bkt/k 'x-amz-checksum-mode: ENABLED'
	alike -p 60 GET '/bkt/k?response-content-type=text%2Fplain'
	alike GET /bkt/none
	alike GET /bkt/k 'If-None-Match: "x"' 'If-Match: *'
	# Whoever is not whom the gateway knows is the store's to judge.
	alike -k '' GET /bkt/k
	alike -k nobody:wrong GET /bkt/k
	alike -k "$AWS_ACCESS_KEY_ID:wrong" GET /bkt/k
	# These answers have the time in them.
	says 403 -t -1000 "$ours" GET /bkt/k
	grep -q '<Code>RequestTimeTooSkewed<' said
	says 403 -t -100 -p 60 "$ours" GET /bkt/k
	grep -q '<Code>AccessDenied<' said
	says 403 "$ours" GET /bkt/k 'x-amz-security-token: t'
	grep -q '^127.0.0.1:9009 GET /bkt/k 403$' access
	# Writes of all kinds.
	says 200 -p 60 -d presigned "$ours" PUT /bkt/p
	alike GET /bkt/p
	says 204 "$ours" DELETE /bkt/p
	alike GET /bkt/p
	curl -sSf --aws-sigv4 aws:amz:us-east-1:s3 -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -X PUT \
		-H "x-amz-content-sha256: $(printf hashed | sha256sum | cut -d' ' -f1)" -d hashed "$ours/bkt/c"
	alike GET /bkt/c
	[ "$(tail -n 1 gated)" = hashed ]
	# Chunks whose signatures hang together: the store hears nothing of it.
	[ "$(curl -sS -o said -w '%{http_code}' --aws-sigv4 aws:amz:us-east-1:s3 \
		-u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -T gated -H 'Expect: 100-continue' \
		-H 'x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD' "$ours/bkt/chunks")" = 501 ]
	grep -q '<Code>NotImplemented</Code>.*send its hash, or UNSIGNED-PAYLOAD' said
	alike GET /bkt/after
	until_true 10 grep -q ' GET /bkt/after 404$' access
	[ "$(grep -c /bkt/chunks access)" -eq 0 ]
}

@test "odd keys, listings, ranges, presigned requests and refusals are the store's own" {
	in_lab -n 1 lab_same
}

lab_transcripts() {
	start_insisting
	"$requests" prepare "$url" bkt-r
	"$requests" reads "$url" bkt-r >direct
	gate --resign --admit all
	"$requests" reads "$ours" bkt-r >cold
	same cold
	"$requests" reads "$ours" bkt-r >hot
	same hot
	[ "$(grep -c '^## ' hot)" -gt 300 ]
	ffs-cache --stat --json | jq -e '.hits > 100'
}

@test "each of a long list of reads is the same, cold and hot" {
	need_cmd jq
	in_lab -n 1 lab_transcripts
}

# --- hits ---

# hits N: that many, by the cache's own count, which is made when the answer is out.
hits() {
	[ "$(ffs-cache --stat --json | jq .hits)" -eq "$1" ]
}

# What has streamed through is in its place a moment later.
cached() {
	ffs-cache --list --json | jq -e 'select(.key == "k")' >/dev/null
}

lab_hits() {
	start_insisting
	gate --resign --admit all
	says 200 "$ours" GET /bkt/k
	until_true 10 cached
	# A 304 vouches for him, whole and in part, whatever way he signs.
	alike GET /bkt/k
	alike -p 60 GET /bkt/k
	alike GET /bkt/k 'Range: bytes=3-5'
	until_true 10 hits 3
	until_true 10 grep -qx 'store.example:7000 GET /bkt/k 304' access
	says 403 -k nobody:wrong "$ours" GET /bkt/k
	stop_gate
	# Who has the key is not asked about; nobody else gets a byte.
	gate --resign --admit all --max-age 1h
	says 200 "$ours" GET /bkt/k
	alike -k nobody:wrong GET /bkt/k
	alike -k '' GET /bkt/k
	alike -k "$AWS_ACCESS_KEY_ID:wrong" -p 60 GET /bkt/k
	# What is written through it is read as it was written.
	says 200 -d new "$ours" PUT /bkt/n
	alike GET /bkt/n
	[ "$(tail -n 1 gated)" = new ]
	kill "$nginx_pid"
	wait "$nginx_pid" || true
	says 200 "$ours" GET /bkt/k
	says 206 -p 60 "$ours" GET /bkt/k 'Range: bytes=3-5'
	says 503 -k nobody:wrong "$ours" GET /bkt/k
}

@test "hits are vouched for by the store's 304 to what was signed anew, or by the key" {
	need_cmd jq
	in_lab -n 1 lab_hits
}

# --- MinIO, and clients that people have ---

lab_minio() {
	start_minio
	url=$AWS_ENDPOINT_URL
	insist store.example:7000
	url=http://store.example:7000
	unset AWS_ENDPOINT_URL
	until_true 30 says 200 "$url" PUT /bkt
	"$requests" writes "$url" bkt-w >direct
	gate --resign --admit all
	"$requests" writes "$ours" bkt-x >gated
	[ "$(grep -A1 '^## aws-chunked, signed' gated | grep -c '^501 Not Implemented')" -eq 3 ]
	[ "$(grep -A1 '^## aws-chunked, trailer' gated | grep -c '^200 OK')" -eq 2 ]
	# Those are not; and where an upload of parts has gone is told by the store's own name.
	for f in direct gated; do
		awk '/^## aws-chunked, signed/ { no = 1 } /^## / && !/signed/ && !/^## then/ { no = 0 } !no' $f |
			sed 's|<Location>http://[^/]*/|<Location>|' >$f.rest
	done
	mv direct.rest direct
	same gated.rest
	[ "$(grep -c '^## ' gated.rest)" -gt 100 ]
	alike GET '/bkt?list-type=2&prefix=a%20b%2B'
	alike -k nobody:wrong GET /bkt
}

@test "each of a long list of writes to MinIO is the same" {
	peer minio
	in_lab -n 1 lab_minio
}

lab_clients() {
	start_insisting
	seq 1 1500000 >large
	gate --resign
	export AWS_ENDPOINT_URL=$ours AWS_DEFAULT_REGION=us-east-1
	for python in $RESIGN_PYTHONS; do
		"$python" - <<-'END'
			import boto3, hashlib
			from boto3.s3.transfer import TransferConfig
			from botocore.config import Config
			s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:9009", config=Config(signature_version="s3v4"))
			s3.put_object(Bucket="bkt", Key="ü +/1", Body=b"x" * 1000, Metadata={"a": "b"})
			assert s3.get_object(Bucket="bkt", Key="ü +/1")["Body"].read() == b"x" * 1000
			s3.upload_file("large", "bkt", "large", Config=TransferConfig(multipart_threshold=5 << 20))
			assert s3.head_object(Bucket="bkt", Key="large")["ETag"].endswith('-2"')
			s3.download_file("bkt", "large", "got")
			assert open("got", "rb").read() == open("large", "rb").read()
			assert [k["Key"] for k in s3.list_objects_v2(Bucket="bkt", Prefix="ü ")["Contents"]] == ["ü +/1"]
			s3.delete_objects(Bucket="bkt", Delete={"Objects": [{"Key": "ü +/1"}]})
			url = s3.generate_presigned_url("get_object", Params={"Bucket": "bkt", "Key": "k"})
			open("presigned", "w").write(url)
		END
		[ "$(curl -sSf "$(cat presigned)")" = 0123456789 ]
	done
	ffs-get -o got s3://bkt/k
	[ "$(cat got)" = 0123456789 ]
}

@test "boto3, presigned URLs of it, and ffs-get have what they ask for" {
	need_cmd curl
	/usr/bin/python3 -c 'import boto3' || need "needs python3-boto3"
	export RESIGN_PYTHONS=/usr/bin/python3
	# And that of today.
	peer=${FFS_PEERS:-$BATS_TEST_DIRNAME/../build/peers}/venv/bin/python3
	if "$peer" -c 'import boto3' 2>/dev/null; then RESIGN_PYTHONS+=" $peer"; fi
	in_lab -n 1 lab_clients
}

# --- for whom it is done ---

lab_aws() {
	start_node
	own_keys
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 \
		-subj /CN=s3 -addext subjectAltName=DNS:s3.eu-west-1.amazonaws.com 2>/dev/null
	store=$url
	insist s3.eu-west-1.amazonaws.com 443 "ssl; ssl_certificate $PWD/cert.pem; ssl_certificate_key $PWD/key.pem"
	unset AWS_ENDPOINT_URL
	"$raw" "$store" PUT /bkt >/dev/null
	says 200 -d 0123456789 "$store" PUT /bkt/k
	url=https://s3.eu-west-1.amazonaws.com
	export AWS_CA_BUNDLE=$PWD/cert.pem
	gate
	says 200 "$ours" GET /bkt/k
	says 200 -p 60 "$ours" GET '/bkt?list-type=2'
	says 403 -k nobody:wrong "$ours" GET /bkt/k
	until_true 10 grep -qxF 's3.eu-west-1.amazonaws.com GET /bkt/k 200' access
	stop_gate
	# Without keys it is said.
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	gate
	grep -qx 'ffs-cache: no credentials for AWS: it will refuse what is signed for this address' gate.log
	stop_gate
	if ffs-cache --serve --resign --origin http://store.example:7000 2>said; then return 1; fi
	grep -qx 'ffs-cache: no credentials for the store to sign requests anew with' said
}

@test "AWS needs no option, and without credentials it is said" {
	need_cmd openssl
	in_lab -n 1 lab_aws
}

lab_redirected() {
	start_insisting
	mkdir -p "$HOME/.config/ffs"
	echo "a $url" >"$HOME/.config/ffs/nodes"
	: >hotmon.log
	env --default-signal ffs-hotmon -v --cgroup "$FFS_LAB_CGROUP" --redirect >hot 2>hotmon.log &
	pids+=("$!")
	until_true 20 grep -q 'attached to lo' hotmon.log || { cat hotmon.log >&2; return 1; }
	gate --resign --metrics 127.0.0.1:9010
	until_true 20 redirected
	# It has the store's name already, and where it has not that is the client's own affair.
	says 200 "$url" GET /bkt/k
	says 403 http://127.0.0.1:7000 GET /bkt/k
	until_true 10 grep -qx '127.0.0.1:7000 GET /bkt/k 403' access
	curl -sSf http://127.0.0.1:9010/metrics >metrics
	grep -q '^ffs_gate_client_connections_redirected_total [1-9]' metrics
}

redirected() {
	says 200 "$url" GET /bkt/k
	curl -sSf http://127.0.0.1:9010/metrics >metrics
	grep -q '^ffs_gate_client_connections_redirected_total [1-9]' metrics
}

@test "a connection that was redirected has the store's name already" {
	need_cmd curl
	in_lab -n 1 lab_redirected
}
