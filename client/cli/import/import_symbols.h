// The functions of an imported recording, and the variables that its lines and their offsets lie in, from the programs and libraries of
// this machine. One thread.
//
// A file is asked only where its build id (NT_GNU_BUILD_ID) is the recorded one, byte by byte: a symbol of another build would be
// silently wrong. So where none is recorded, none of that mapping is looked up. The kernel's symbols are not looked up. What no file is
// mapped at (JIT, heap) has none.
#ifndef HFTMON_CLIENT_CLI_IMPORT_IMPORT_SYMBOLS_H_
#define HFTMON_CLIENT_CLI_IMPORT_IMPORT_SYMBOLS_H_

#include <cstddef>

#include "client/cli/import/import_report.h"

namespace hftmon {

// Files that are opened for one report; the most contended lines' come first.
inline constexpr size_t kSymbolFilesMax = 256;

// Fills in `symbol` of the report's places, and `symbols_unavailable` for the mappings of code that have none. Data is mostly heap and
// shared memory: of that alone no reason is given.
void NameSymbols(ImportReport* report);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_IMPORT_SYMBOLS_H_
