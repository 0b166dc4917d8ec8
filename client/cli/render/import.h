// What a perf.data file says, as text and JSON. Pure; no I/O.
#ifndef HFTMON_CLIENT_CLI_RENDER_IMPORT_H_
#define HFTMON_CLIENT_CLI_RENDER_IMPORT_H_

#include <string>

#include "client/cli/import/import_report.h"
#include "client/cli/render/json.h"

namespace hftmon {

std::string ImportText(const std::string& file, const ImportReport& report);
Json ImportJson(const std::string& file, const ImportReport& report);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_IMPORT_H_
