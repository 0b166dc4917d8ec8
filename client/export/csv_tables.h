// A recording as tables of comma-separated values (RFC 4180: lines end with CR LF; a field with a comma, a quote or a line's end stands in
// quotes, quotes within doubled). The first line names the columns, units last. A value that is not known is empty. A field that a
// spreadsheet would take for a formula keeps its text: these are data, quote them there. Pure, any thread.
#ifndef HFTMON_CLIENT_EXPORT_CSV_TABLES_H_
#define HFTMON_CLIENT_EXPORT_CSV_TABLES_H_

#include <string>
#include <string_view>
#include <vector>

#include "client/recording/recording.h"

namespace hftmon {

struct CsvTable {
  std::string_view name;  // "spikes"
  std::string (*text)(const Recording& recording);
};

// about, threads, pieces, spikes, causes, switches, operations, counters, interrupts.
const std::vector<CsvTable>& CsvTables();

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_CSV_TABLES_H_
