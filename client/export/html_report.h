// A recording as one HTML file: latency heat map, the worst spikes with the timeline around each, what took the time, and the host's
// topology with heat. It fetches nothing, runs no script, and follows the reader's light or dark. Pure, any thread.
#ifndef HFTMON_CLIENT_EXPORT_HTML_REPORT_H_
#define HFTMON_CLIENT_EXPORT_HTML_REPORT_H_

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "client/recording/recording.h"

namespace hftmon {

struct HtmlOptions {
  size_t worst_max = 20;     // spikes in the table
  size_t timelines_max = 5;  // of them with a timeline
  absl::TimeZone zone;       // in which times of day are shown
};

std::string HtmlReport(const Recording& recording, const HtmlOptions& options);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_HTML_REPORT_H_
