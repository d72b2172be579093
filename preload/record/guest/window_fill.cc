// WindowFill: answers one fault with the ioctls of a FaultChannel.
#include "preload/record/guest/window_fill.h"

namespace oomcast::record {
namespace {

/// The window without its sentinel, which stays armed.
PageRange without_sentinel(const WindowFill& fill) {
  if (fill.sentinel == 0) return {fill.start, fill.end};
  return fill.sentinel == fill.start ? PageRange(fill.start + kPage, fill.end)
                                     : PageRange(fill.start, fill.end - kPage);
}

FaultResult fill_pages(const WindowFill& fill, FaultChannel& channel, PageStates& pages, bool wake, uint64_t* total) {
  uint64_t filled = 0;
  // Pages that another fault has filled meanwhile keep their state.
  const auto mark_prefilled = [&](uint64_t at) {
    if (pages.blank(at)) pages.set(PageBit::kPrefilled, at, true);
  };
  // The sentinel is filled first, before a thread can reach it.
  if (fill.sentinel != 0 && channel.fill(fill.sentinel, 1, false, true, &filled) == FaultResult::kDone)
    mark_prefilled(fill.sentinel);
  const auto [start, end] = without_sentinel(fill);
  const FaultResult result = channel.fill(start, (end - start) / kPage, wake, false, &filled);
  *total += filled;
  for (uint64_t at = start; at < start + filled * kPage; at += kPage)
    if (at != fill.page) mark_prefilled(at);
  // A page below the one that is waited for was present already, or the mapping has changed and ends inside the window:
  // only the page that is waited for is filled then.
  const bool missed = result == FaultResult::kDone ? start + filled * kPage <= fill.page
                                                   : result == FaultResult::kGone && end - start > kPage;
  return missed ? channel.fill(fill.page, 1, wake, false, &filled) : result;
}

/// The zero pages are armed before a thread is woken, so that the first write to them is seen.
FaultResult arm_zeroes(const WindowFill& fill, FaultChannel& channel, PageStates& pages) {
  const FaultResult result = channel.protect(fill.start, fill.end, true, false);
  if (result == FaultResult::kRetry) return result;
  for (uint64_t at = fill.start; result == FaultResult::kDone && at < fill.end; at += kPage)
    if (pages.blank(at)) pages.set(PageBit::kZero, at, true);
  channel.wake(fill.start, fill.end);
  return FaultResult::kDone;
}

FaultResult map_zeroes(WindowFill& fill, FaultChannel& channel, PageStates& pages) {
  uint64_t mapped = 0;
  const FaultResult result = channel.map_zero(fill.start, (fill.end - fill.start) / kPage, &mapped);
  if (mapped == 0) return result;
  fill.end = fill.start + mapped * kPage;
  fill.kind = WindowFill::Kind::kArmZero;
  return arm_zeroes(fill, channel, pages);
}

FaultResult unprotect(const WindowFill& fill, FaultChannel& channel, PageStates& pages, bool wake) {
  const auto [start, end] = without_sentinel(fill);
  const FaultResult result = channel.protect(start, end, false, wake);
  if (result == FaultResult::kGone && end - start > kPage)
    return channel.protect(fill.page, fill.page + kPage, false, wake);
  for (uint64_t at = fill.start; result == FaultResult::kDone && at < fill.end; at += kPage)
    if (at != fill.page && (pages.test(PageBit::kZero, at) || pages.test(PageBit::kPrefilledArmed, at)))
      pages.become(PageBit::kPrefilled, at);
  return result;
}

}  // namespace

FaultResult carry_out(WindowFill& fill, FaultChannel& channel, PageStates& pages, bool wake, uint64_t* filled_pages) {
  switch (fill.kind) {
    case WindowFill::Kind::kFill:
      return fill_pages(fill, channel, pages, wake, filled_pages);
    case WindowFill::Kind::kZero:
      return map_zeroes(fill, channel, pages);
    case WindowFill::Kind::kArmZero:
      return arm_zeroes(fill, channel, pages);
    case WindowFill::Kind::kUnprotect:
      return unprotect(fill, channel, pages, wake);
  }
  return FaultResult::kGone;
}

}  // namespace oomcast::record
