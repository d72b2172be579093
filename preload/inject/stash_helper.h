// The stash's helper: a task with the guest's memory and nothing else of the guest's, since the kernel moves pages for
// nobody but those who share the address space.
#pragma once

namespace oomcast::inject {

/// Makes the helper if the recorder has asked for one. Signals have to be held. Whatever fails leaves the guest without
/// a stash.
void make_wanted_stash_helper();

}  // namespace oomcast::inject
