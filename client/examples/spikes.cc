// Prints the spikes of every watched process, until the daemon ends or ^C.
#include <cstdio>

#include "client/cpp/client.h"

int main() {
  setvbuf(stdout, nullptr, _IOLBF, 0);  // each spike at once, into a pipe too
  auto client = hftmon::Client::Connect("unix:/run/hftmon/hftmond.sock");
  if (!client.ok()) return fprintf(stderr, "%s\n", client.status().ToString().c_str()), 1;
  hftmon::v1::StreamSpikesRequest request;
  request.set_threshold_ns(50'000);
  auto stream = (*client)->StreamSpikes(request);
  for (hftmon::v1::StreamSpikesResponse message; stream->Read(&message);) {
    if (!message.has_spike()) continue;  // the subscription is in force
    printf("%s waited %ld ns\n", message.spike().thread().comm().c_str(), static_cast<long>(message.spike().duration_ns()));
  }
  const absl::Status end = stream->Finish();
  return end.ok() ? 0 : (fprintf(stderr, "%s\n", end.ToString().c_str()), 1);
}
