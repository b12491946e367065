# The gateway cannot be told from the store behind it: the same requests, sent to both, by clients
# that people have and by one that hides nothing, cold and from the cache.
# Takes minutes. The clients tagged "plain" are slow, and ask for nothing that tests/gate/requests and
# curl do not.
load helper.bash

peers=$(realpath -m "${FFS_PEERS:-$BATS_TEST_DIRNAME/../build/peers}")
gate=$BATS_TEST_DIRNAME/gate

# Its keys into the environment; $url is the store.
origin_node() {
	start_node
	own_keys
}

origin_minio() {
	start_minio || return 1
	url=$AWS_ENDPOINT_URL
}

origin_versitygw() {
	start_versitygw || return 1
	url=$AWS_ENDPOINT_URL
}

# same ONE OTHER: transcripts that say something, and the same.
same() {
	[ "$(grep -c . "$1")" -gt "${least:-20}" ] || { cat "$1" >&2; return 1; }
	diff -u "$1" "$2" >difference || {
		head -n 60 difference >&2
		echo "$(grep -c '^[-+]' difference) lines differ between $1 and $2" >&2
		return 1
	}
}

# More hits than that, by the cache's own count.
hits() {
	local n
	n=$(ffs-cache --stat --json | sed -n 's/.*"hits":\([0-9]*\).*/\1/p')
	[ "${n:-0}" -gt "$1" ] || { ffs-cache --stat >&2; return 1; }
}

reads() {
	local host=${url#http://} least=3000
	"$gate/requests" prepare "$url" bkt-r
	"$gate/requests" reads "$url" bkt-r >direct
	"$gate/requests" reads "$url" bkt-r >again
	same direct again

	start_gate
	"$gate/requests" reads "$gate_url" bkt-r >cold
	same direct cold
	# As a client asks who was redirected: for the store, by the store's name.
	"$gate/requests" --host "$host" reads "$gate_url" bkt-r >cold
	same direct cold
	stop_gate

	ffs-cache --clear >/dev/null
	start_gate --admit all
	"$gate/requests" reads "$gate_url" bkt-r >first
	same direct first
	"$gate/requests" --host "$host" reads "$gate_url" bkt-r >hot
	same direct hot
	hits 100
	stop_gate

	start_gate --admit all --max-age 1h
	"$gate/requests" reads "$gate_url" bkt-r >aged
	same direct aged
	"$gate/requests" reads "$gate_url" bkt-r >aged
	same direct aged
}

writes() {
	local least=1500
	"$gate/requests" writes "$url" bkt-w >direct
	start_gate
	"$gate/requests" writes "$gate_url" bkt-x >cold
	same direct cold
	stop_gate
	ffs-cache --clear >/dev/null
	start_gate --admit all
	"$gate/requests" writes "$gate_url" bkt-y >kept
	same direct kept
	# Once more, with what is in the cache of the first time.
	"$gate/requests" --host "${url#http://}" writes "$gate_url" bkt-y >kept
	same direct kept
	hits 20
}

# client NAME PROGRAM STORE...: each of its runs in a directory of its own. It reads everything twice.
client() {
	local name=$1 store
	export PROGRAM=$2
	shift 2
	for store; do
		if [ "$store" = minio ] && [ ! -x "$peers/bin/minio" ]; then continue; fi
		"origin_$store"
		run_client "$name" "$url" bkt-a direct
		start_gate --admit all
		run_client "$name" "$gate_url" bkt-b through
		same direct through
		hits 0
		stop_gate
		ffs-cache --clear >/dev/null
	done
}

run_client() {
	rm -rf run
	mkdir run
	(cd run && "$gate/clients" "$1" "$2" "$3" >"../$4" 2>"../$4.err") || { cat "$4.err" >&2; return 1; }
}

@test "reads from ffs-node are the same through the gateway, cold, hot and with --max-age" {
	origin_node
	reads
}

@test "reads from MinIO are the same through the gateway, cold, hot and with --max-age" {
	origin_minio
	reads
}

@test "reads from versitygw are the same through the gateway, cold, hot and with --max-age" {
	origin_versitygw
	reads
}

@test "writes to ffs-node are the same through the gateway, and what is read behind them" {
	origin_node
	writes
}

@test "writes to MinIO are the same through the gateway, and what is read behind them" {
	origin_minio
	writes
}

@test "writes to versitygw are the same through the gateway, and what is read behind them" {
	origin_versitygw
	writes
}

@test "curl sees no difference" {
	need_cmd curl
	client curl "$(command -v curl)" node minio
}

# bats test_tags=plain
@test "aws of Debian sees no difference" {
	need_cmd /usr/bin/aws
	quick_aws /usr/bin/aws
	client aws "$PWD/aws" node
}

# bats test_tags=plain
@test "aws of today sees no difference" {
	peer aws
	quick_aws "$peer"
	client aws "$PWD/aws" node
}

# bats test_tags=plain
@test "boto3 of Debian sees no difference" {
	/usr/bin/python3 -c 'import boto3' || need "needs python3-boto3"
	client boto3 /usr/bin/python3 node minio
}

# bats test_tags=plain
@test "boto3 of today sees no difference" {
	peer python3
	"$peer" -c 'import boto3' 2>/dev/null || may_skip "no boto3 (scripts/peers)"
	client boto3 "$peer" node minio
}

# bats test_tags=plain
@test "polars sees no difference" {
	peer python3
	"$peer" -c 'import polars' 2>/dev/null || may_skip "no polars (scripts/peers)"
	least=10 client polars "$peer" node minio
}

# bats test_tags=plain
@test "rclone sees no difference" {
	need_cmd rclone
	client rclone "$(command -v rclone)" node minio
}

# bats test_tags=plain
@test "s3cmd sees no difference" {
	need_cmd s3cmd
	client s3cmd "$(command -v s3cmd)" node
}

# bats test_tags=plain
@test "s5cmd sees no difference" {
	peer s5cmd
	client s5cmd "$peer" node minio
}

# bats test_tags=plain
@test "mc sees no difference" {
	peer mc
	client mc "$peer" node minio
}

@test "boto3's downloads in parts get hits without root, from their second on" {
	/usr/bin/python3 -c 'import boto3' || need "needs python3-boto3"
	origin_node
	seq -f '%.0f,1,2,3' 1 2000000 | head -c 20000000 >large.csv
	"$BATS_TEST_DIRNAME/s3raw" "$url" PUT /bkt >/dev/null
	curl -sS --fail -T large.csv "$("$BATS_TEST_DIRNAME/s3raw" -u -p 600 "$url" PUT /bkt/large.csv)"
	start_gate
	download() {
		/usr/bin/python3 - "$gate_url" <<-'END'
			import sys, boto3
			s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1")
			s3.download_file("bkt", "large.csv", "got")
		END
		cmp got large.csv
	}
	is_kept() { [[ $(ffs-cache --list --json) == *'"key":"large.csv"'* ]]; }
	download
	[ -z "$(ffs-cache --list)" ]
	download
	until_true 20 is_kept
	before=$(ffs-cache --stat --json | sed -n 's/.*"hits":\([0-9]*\).*/\1/p')
	download
	hits "$((before + 2))"
	ffs-cache --verify
}
