// What stands above the lists on every page: the daemon and its cost, what is watched, what was lost, and the state of this view. Pure
// functions.
#ifndef HFTMON_CLIENT_TOP_TOP_HEADER_H_
#define HFTMON_CLIENT_TOP_TOP_HEADER_H_

#include "client/top/top_page.h"
#include "client/top/top_view.h"

namespace hftmon {

// Three lines: the daemon; targets and losses; how the view stands: trouble first, then pause, filter and order.
std::vector<TopLine> TopHeader(const TopModel& model, const TopTexts& texts, int width, bool utf8);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_HEADER_H_
