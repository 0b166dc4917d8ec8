// CheckText: a report of `check` as boxes for people: a box for each module, with its verdict, figures, worst event, what is wrong and what
// to do about it. Pure.
#ifndef HFTMON_CLIENT_CLI_RENDER_CHECK_H_
#define HFTMON_CLIENT_CLI_RENDER_CHECK_H_

#include <string>

#include "client/check/check_report.h"
#include "client/cli/console.h"

namespace hftmon {

std::string CheckText(const CheckReport& report, const TextStyle& style);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_CHECK_H_
