//! Run one check against a cluster: gather what it needs, judge, tell. (validate)
