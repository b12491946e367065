# Our tools with other people's stores, where scripts/peers has installed them.
load helper.bash

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
	start_minio
	life
}

@test "a load into MinIO that was cut off is finished" {
	start_minio
	interrupted
}

@test "a dataset's whole life in versitygw" {
	start_versitygw
	life
}

@test "a load into versitygw that was cut off is finished" {
	start_versitygw
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
	start_minio
	cached
}

@test "the cache in front of versitygw" {
	start_versitygw
	cached
}
