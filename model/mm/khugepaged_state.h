// khugepaged's position (struct khugepaged_scan).
#pragma once

#include <cstdint>

#include "model/host/page.h"

namespace oomcast::mm {

struct KhugepagedState {
  host::ProcessIndex process = 0;  // khugepaged_scan.mm_slot
  uint64_t next_vpn = 0;           // khugepaged_scan.address
  bool in_hand = false;            // khugepaged has allocated a huge page that is not mapped yet
};

}  // namespace oomcast::mm
