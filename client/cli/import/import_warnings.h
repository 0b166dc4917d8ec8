// What keeps an imported recording's report from being the whole truth. Pure.
#ifndef HFTMON_CLIENT_CLI_IMPORT_IMPORT_WARNINGS_H_
#define HFTMON_CLIENT_CLI_IMPORT_IMPORT_WARNINGS_H_

#include <string>
#include <vector>

#include "client/cli/import/import_report.h"

namespace hftmon {

// "<what>: <cause>: <mend>", one each, printable; empty where nothing is missing. The file's own notes are among them.
std::vector<std::string> WarningsOf(const ImportReport& report);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_IMPORT_WARNINGS_H_
