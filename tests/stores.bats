# Our tools against stores of others (scripts/peers), and what such stores do differently.
load helper.bash

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

answers() {
	curl -s -o /dev/null "$1"
}

start_minio() {
	peer minio
	local port
	port=$(free_port)
	MINIO_ROOT_USER=ffstest MINIO_ROOT_PASSWORD=ffssecret1 "$peer" server --quiet --address "127.0.0.1:$port" minio >minio.log 2>&1 3>&- &
	pids+=($!)
	export AWS_ENDPOINT_URL="http://127.0.0.1:$port"
	until_true 30 answers "$AWS_ENDPOINT_URL/minio/health/live"
	export AWS_ACCESS_KEY_ID=ffstest AWS_SECRET_ACCESS_KEY=ffssecret1
}

start_versitygw() {
	peer versitygw
	local port
	port=$(free_port)
	mkdir vgw
	ROOT_ACCESS_KEY=ffstest ROOT_SECRET_KEY=ffssecret1 "$peer" --port "127.0.0.1:$port" posix vgw >vgw.log 2>&1 3>&- &
	pids+=($!)
	export AWS_ENDPOINT_URL="http://127.0.0.1:$port"
	until_true 30 answers "$AWS_ENDPOINT_URL/"
	export AWS_ACCESS_KEY_ID=ffstest AWS_SECRET_ACCESS_KEY=ffssecret1
}

# Everything that ffs-load and ffs-get do, on the store that AWS_ENDPOINT_URL names.
everything() {
	"$FFS_TEST_BUILD/testdata/lobster-gen" -r 4000 -l 10 -s 3 -t TEST -d 2012-06-21 -C . >/dev/null
	book=$(echo TEST_*_orderbook_*.csv)
	message=$(echo TEST_*_message_*.csv)
	bash -c "set -o pipefail; ffs-split -r 500 -m '$message' '$book' | ffs-load -q"
	ffs-get TEST/2012-06-21 | cmp - "$book"
	ffs-get --message TEST/2012-06-21 | cmp - "$message"
	ffs-get 'TEST/*' --rows 499-1001 | cmp - <(sed -n 500,1002p "$book")
	# Refused over an existing one, then the next generation as zstd beside it.
	run -1 bash -c "set -o pipefail; ffs-split -m '$message' '$book' | ffs-load -q"
	bash -c "set -o pipefail; ffs-split -r 700 -m '$message' '$book' | ffs-load -q --replace -z"
	ffs-get TEST/2012-06-21 | cmp - "$book"
	ffs-get TEST/2012-06-21@1 | cmp - "$book"
	ffs-load -q --prune TEST/2012-06-21
	run -3 ffs-get TEST/2012-06-21@1
	ffs-get TEST/2012-06-21 | cmp - "$book"
	printf 'TEST/2012-06-21 rows 0-99\nTEST/2012-06-21 rows 3990-3999\n' | ffs-get --batch >got
	{ sed -n 1,100p "$book"; sed -n 3991,4000p "$book"; } | cmp - got
	key=$(ffs-get --list TEST/2012-06-21 | head -n 1)
	ffs-get "$key" | zstd -dc | cmp - <(head -n 700 "$book")
	ffs-load -q --delete TEST/2012-06-21
	run -3 ffs-get TEST/2012-06-21
	run -0 --separate-stderr ffs-get --list
	[ -z "$output" ]
}

@test "MinIO: load, read, replace, prune, batch, delete" {
	start_minio
	everything
}

@test "versitygw: load, read, replace, prune, batch, delete" {
	start_versitygw
	everything
}

@test "our own store: load, read, replace, prune, batch, delete" {
	start_node
	everything
}

@test "MinIO: wrong keys are denied, and the message names the source of the keys" {
	start_minio
	printf 'a,b\n1,2\n' >x.csv
	export AWS_SECRET_ACCESS_KEY=wrongwrong
	run -4 --separate-stderr bash -c 'set -o pipefail; ffs-split x.csv | ffs-load -q'
	[[ $stderr == *AWS_ACCESS_KEY_ID* ]]
	[[ $stderr != *wrongwrong* ]]
}
