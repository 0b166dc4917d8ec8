// What a run tells: as JSON (client/examples/order_book/README.md names each key) and as text. Pure functions.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_REPORT_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "client/examples/order_book/run.h"

namespace hftmon::order_book {

// A percentile of too few messages is null. `events`: whether lists of single injections are in it.
nlohmann::ordered_json ReportJson(const RunResult& result, bool events);
std::string ReportText(const RunResult& result);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_REPORT_H_
