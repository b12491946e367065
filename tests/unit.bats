# The unit programs of tests/unit: each exits 0 and prints nothing, or says what is wrong.
load helper.bash

@test "every unit program passes" {
	local dir=${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/unit source name failed=
	for source in "$BATS_TEST_DIRNAME"/unit/*.c; do
		name=$(basename "$source" .c)
		mkdir "$name"
		if ! (cd "$name" && timeout 120 "$dir/$name") >out 2>&1 || [ -s out ]; then
			echo "$name:"
			cat out
			failed=1
		fi
	done
	[ -z "$failed" ]
}
