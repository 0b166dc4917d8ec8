// CheckJunit: a report as JUnit XML, for continuous integration: a test suite, in it a test case for each module. A failure is a FAIL;
// warnings are in the case's output, which servers show and do not count. Pure.
#ifndef HFTMON_CLIENT_CHECK_CHECK_JUNIT_H_
#define HFTMON_CLIENT_CHECK_CHECK_JUNIT_H_

#include <string>

#include "client/check/check_report.h"

namespace hftmon {

// XML 1.0 in UTF-8; characters that it cannot hold are replaced by '?'.
std::string CheckJunit(const CheckReport& report);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_JUNIT_H_
