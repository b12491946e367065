# Our tools with other people's stores, where scripts/peers has installed them.
load helper.bash

peers=$(realpath -m "${FFS_PEERS:-$BATS_TEST_DIRNAME/../build/peers}")

free_port() {
	need_cmd /usr/bin/python3 || return 1
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_peer NAME COMMAND...: PORT in the command is a free one.
start_peer() {
	local name=$1 port
	shift
	[ -x "$peers/bin/$name" ] || may_skip "scripts/peers has not installed $name"
	port=$(free_port)
	export AWS_ACCESS_KEY_ID=testkey AWS_SECRET_ACCESS_KEY=testsecret
	mkdir data
	"$peers/bin/$name" "${@//PORT/$port}" >peer.log 2>&1 3>&- &
	pids+=("$!")
	export AWS_ENDPOINT_URL=http://127.0.0.1:$port
	until_true 60 listening "$port" || { cat peer.log >&2; return 1; }
}

listening() {
	(exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

minio() {
	MINIO_ROOT_USER=testkey MINIO_ROOT_PASSWORD=testsecret MINIO_BROWSER=off MINIO_UPDATE=off \
		start_peer minio server --quiet --address 127.0.0.1:PORT data
}

versitygw() {
	ROOT_ACCESS_KEY=testkey ROOT_SECRET_KEY=testsecret start_peer versitygw --port 127.0.0.1:PORT posix data
}

# A dataset's whole life.
life() {
	seq -f '%g,1,2,3,4' 1 5000 >book.csv
	ffs-split -q -r 500 book.csv >book.tar || return 1
	until_true 60 ffs-load -q book.tar || return 1
	ffs-get book | cmp - book.csv || return 1
	run -0 ffs-get --rows 1234-1235 book
	[ "${lines[1]}" = 1236,1,2,3,4 ] || return 1
	run -1 --separate-stderr ffs-load book.tar
	[[ $stderr == *"'book' exists"* ]] || return 1
	run -0 --separate-stderr ffs-load --resume book.tar
	[[ $stderr == *"10 objects were there"* ]] || return 1
	seq -f '%g,5,6,7,8' 1 3000 >book.csv
	run -0 --separate-stderr bash -c 'ffs-split -q -r 500 book.csv | ffs-load -z --replace'
	[[ $stderr == *"generation 2"* && $stderr != *conditional* ]] || return 1
	ffs-get book | cmp - book.csv || return 1
	run -0 ffs-get --list
	[[ $output == *book* ]] || return 1
	run -0 --separate-stderr ffs-load --prune book
	[[ $stderr == *"removed 11 objects"* ]] || return 1
	ffs-get book | cmp - book.csv || return 1
	AWS_SECRET_ACCESS_KEY=wrong run -4 --separate-stderr ffs-load book.tar
	[[ $stderr == *SignatureDoesNotMatch* ]] || return 1
	run -0 --separate-stderr ffs-load --delete book
	[[ $stderr == *"removed 8 objects"* ]] || return 1
	run -3 ffs-get book
}

# A load is cut off, kept and finished; two loads at once do not mix.
interrupted() {
	seq -f '%g,1,2,3,4' 1 5000 >book.csv
	ffs-split -q -r 500 book.csv >book.tar || return 1
	head -c 60000 book.tar >cut.tar
	until_true 60 ffs-load -q -n first book.tar || return 1
	run -1 --separate-stderr ffs-load --keep cut.tar
	run -3 ffs-get book
	run -0 --separate-stderr ffs-load --resume book.tar
	[[ $stderr == *"objects were there, generation 1"* ]] || return 1
	ffs-get book | cmp - book.csv || return 1
	run -1 ffs-load --replace cut.tar
	ffs-get book | cmp - book.csv || return 1
	run -0 --separate-stderr ffs-load --prune book
	[[ $stderr == *"removed 0 objects"* ]]
}

@test "a dataset's whole life in MinIO" {
	minio
	life
}

@test "a load into MinIO that was cut off is finished" {
	minio
	interrupted
}

@test "a dataset's whole life in versitygw" {
	versitygw
	life
}

@test "a load into versitygw that was cut off is finished" {
	versitygw
	interrupted
}

# Hits, and how the store is asked whether they are still the current version.
cached() {
	seq -f '%g,1,2,3,4' 1 5000 >book.csv
	until_true 60 bash -c 'ffs-split -q -r 500 book.csv | ffs-load -q'
	ffs-get --cache=fill book | cmp - book.csv || return 1
	ffs-get --time-each --json book 2>each | cmp - book.csv || return 1
	[ "$(grep -c '"source":"hit"' each)" -eq 10 ] || return 1
	tac book.csv >new.csv
	ffs-split -q -n book -r 500 new.csv | ffs-load -q -z --replace || return 1
	ffs-get book | cmp - new.csv || return 1
	ffs-get --cache=fill book | cmp - new.csv || return 1
	ffs-get --cache=only book | cmp - new.csv || return 1
	ffs-get book@1 | cmp - book.csv || return 1
	# A raw object: by a 304, as its bytes when it has changed, and not at all when it is gone.
	ffs-get --cache=fill s3://ffs/book/1/00001.csv >chunk
	ffs-get --time-each --json s3://ffs/book/1/00001.csv 2>each | cmp - chunk || return 1
	grep -q '"source":"hit"' each || return 1
	ffs-load -q --prune book || return 1
	run -3 ffs-get s3://ffs/book/1/00001.csv
	ffs-get --cache=fill s3://ffs/book/2/00001.csv.zst >stored
	ffs-load -q --delete book || return 1
	run -3 ffs-get book
	run -3 ffs-get s3://ffs/book/2/00001.csv.zst
	run -3 ffs-get --cache=only book
}

@test "the cache in front of MinIO" {
	minio
	cached
}

@test "the cache in front of versitygw" {
	versitygw
	cached
}
