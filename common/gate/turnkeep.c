#include "common/gate/turnimpl.h"

void
ffs_turn_meet(struct ffs_turn *t, const struct ffs_head *request)
{
	(void)t;
	(void)request;
}

enum ffs_turn_way
ffs_turn_miss(struct ffs_turn *t)
{
	(void)t;
	return FFS_TURN_PASS;
}

enum ffs_turn_way
ffs_turn_came(struct ffs_turn *t, const struct ffs_head *answer)
{
	(void)t;
	(void)answer;
	return FFS_TURN_PASS;
}

enum ffs_turn_way
ffs_turn_waited(struct ffs_turn *t)
{
	(void)t;
	return FFS_TURN_PASS;
}

bool
ffs_turn_fresh(const struct ffs_turn *t)
{
	(void)t;
	return false;
}

bool
ffs_turn_stale(const struct ffs_turn *t)
{
	(void)t;
	return false;
}

void
ffs_turn_left(struct ffs_turn *t)
{
	(void)t;
}
