// Makes the helper of the stash: a task that shares only the guest's address space, since UFFDIO_MOVE works in the
// caller's own address space only.
#pragma once

namespace oomcast::inject {

/// Makes the helper if the recorder has asked for one. If that fails, the guest has no stash. REQUIRES: signals are
/// blocked.
void make_wanted_stash_helper();

}  // namespace oomcast::inject
