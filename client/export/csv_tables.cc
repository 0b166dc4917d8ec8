#include "client/export/csv_tables.h"

#include <fmt/format.h>

#include <map>
#include <numeric>

namespace hftmon {
namespace {

// One table, filled row by row.
class Csv {
 public:
  explicit Csv(std::string_view header) : text_(header) { text_ += "\r\n"; }

  Csv& Text(std::string_view value) {
    Separate();
    if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
      text_ += value;
      return *this;
    }
    text_ += '"';
    for (const char c : value) {
      if (c == '"') text_ += '"';
      text_ += c;
    }
    text_ += '"';
    return *this;
  }
  template <typename Integer>
  Csv& Number(Integer value) {
    Separate();
    fmt::format_to(std::back_inserter(text_), "{}", value);
    return *this;
  }
  // Empty where it is below 0: not known.
  Csv& Known(int64_t value) { return value < 0 ? Text("") : Number(value); }
  Csv& Flag(bool value) { return Number(value ? 1 : 0); }
  Csv& Thread(const RecordedThreadId& thread) { return Number(thread.pid).Number(thread.tid).Text(thread.comm); }
  void EndRow() {
    text_ += "\r\n";
    begun_ = false;
  }
  std::string Take() && { return std::move(text_); }

 private:
  void Separate() {
    if (begun_) text_ += ',';
    begun_ = true;
  }

  std::string text_;
  bool begun_ = false;
};

std::string About(const Recording& recording) {
  Csv csv("name,value");
  const auto row = [&csv](std::string_view name, std::string_view value) { csv.Text(name).Text(value).EndRow(); };
  row("host", recording.host);
  row("kernel", recording.kernel);
  row("hftmond_version", recording.daemon_version);
  row("hftmon_version", recording.recorder_version);
  row("begin_monotonic_ns", std::to_string(recording.begin_ns));
  row("end_monotonic_ns", std::to_string(recording.end_ns));
  row("begin_realtime_ns", std::to_string(recording.ToRealtime(recording.begin_ns)));
  row("lost_records_count", std::to_string(recording.lost_records));
  row("whole", recording.whole ? "1" : "0");
  for (const std::string& note : recording.notes) row("note", note);
  return std::move(csv).Take();
}

std::string Threads(const Recording& recording) {
  Csv csv("pid,tid,comm,start_boottime_ns,truncated,running_ns,waiting_ns,blocked_ns,interrupted_ns,unknown_ns,piece_count,spike_count");
  std::map<int32_t, int64_t> spikes;
  for (const RecordedSpike& spike : recording.spikes) ++spikes[spike.thread.tid];
  for (const RecordedThread& thread : recording.threads) {
    csv.Thread(thread.id).Number(thread.id.start_boottime_ns).Flag(thread.truncated);
    for (const PieceState state :
         {PieceState::kRunning, PieceState::kWaiting, PieceState::kBlocked, PieceState::kInterrupted, PieceState::kUnknown}) {
      csv.Number(std::accumulate(
          thread.pieces.begin(), thread.pieces.end(), int64_t{0},
          [state](int64_t sum_ns, const RecordedPiece& piece) { return piece.state == state ? sum_ns + piece.duration_ns : sum_ns; }));
    }
    csv.Number(thread.pieces.size()).Number(spikes[thread.id.tid]).EndRow();
  }
  return std::move(csv).Take();
}

std::string Pieces(const Recording& recording) {
  Csv csv("pid,tid,comm,start_monotonic_ns,duration_ns,state,cpu,detail,other_tid,spike_id");
  for (const RecordedThread& thread : recording.threads) {
    for (const RecordedPiece& piece : thread.pieces) {
      csv.Thread(thread.id).Number(piece.start_ns).Number(piece.duration_ns).Text(PieceStateName(piece.state)).Known(piece.cpu);
      csv.Text(piece.detail).Number(piece.other_tid).Number(piece.spike_id).EndRow();
    }
  }
  return std::move(csv).Take();
}

std::string Spikes(const Recording& recording) {
  Csv csv(
      "spike_id,target_pid,pid,tid,comm,kind,operation,cpu,start_monotonic_ns,start_realtime_ns,duration_ns,unexplained_ns,in_progress,"
      "inconclusive,inconclusive_reason,lost_records_count");
  for (const RecordedSpike& spike : recording.spikes) {
    csv.Number(spike.id).Number(spike.target_pid).Thread(spike.thread).Text(spike.kind).Text(spike.operation).Known(spike.cpu);
    csv.Number(spike.start_ns).Number(recording.ToRealtime(spike.start_ns)).Number(spike.duration_ns).Number(spike.unexplained_ns);
    csv.Flag(spike.in_progress).Flag(spike.inconclusive).Text(spike.inconclusive_reason).Number(spike.lost_records).EndRow();
  }
  return std::move(csv).Take();
}

std::string Causes(const Recording& recording) {
  Csv csv("spike_id,cause_number,kind,duration_ns,estimated,cpu,actor_pid,actor_tid,actor_comm,actor_irq,actor_name,evidence");
  for (const RecordedSpike& spike : recording.spikes) {
    int number = 0;
    for (const RecordedCause& cause : spike.causes) {
      csv.Number(spike.id).Number(++number).Text(cause.kind).Number(cause.duration_ns).Flag(cause.estimated).Known(cause.cpu);
      csv.Number(cause.pid).Number(cause.tid).Text(cause.comm).Number(cause.irq).Text(cause.name).Text(cause.evidence).EndRow();
    }
  }
  return std::move(csv).Take();
}

std::string Switches(const Recording& recording) {
  Csv csv(
      "pid,tid,comm,start_monotonic_ns,duration_ns,run_queue_ns,kind,voluntary,syscall,cpu_out,cpu_in,preemptor_tid,preemptor_comm,"
      "migration_reason,waker_context,waker_tid,waker_comm,woken_monotonic_ns");
  for (const RecordedSwitch& event : recording.switches) {
    csv.Thread(event.thread).Number(event.start_ns).Known(event.duration_ns).Number(event.run_queue_ns).Text(event.kind);
    csv.Flag(event.voluntary).Text(event.syscall).Known(event.cpu_out).Known(event.cpu_in).Number(event.preemptor_tid);
    csv.Text(event.preemptor_comm).Text(event.migration_reason);
    if (event.waker && event.waker->known) {
      csv.Text(event.waker->context).Number(event.waker->tid).Text(event.waker->comm).Number(event.waker->woken_ns);
    } else {
      csv.Text("").Text("").Text("").Text("");
    }
    csv.EndRow();
  }
  return std::move(csv).Take();
}

std::string Operations(const Recording& recording) {
  Csv csv("pid,comm,operation,count,error_count,rate_hz,sum_ns,p50_ns,p99_ns,p99_9_ns,max_ns,spike_count,dropped_marks_count");
  for (const RecordedOperation& operation : recording.operations) {
    csv.Number(operation.pid).Text(operation.comm).Text(operation.name).Number(operation.count).Number(operation.error_count);
    csv.Number(operation.rate_hz).Number(operation.sum_ns);
    for (const double percent : {50.0, 99.0, 99.9}) {
      const auto found = operation.percentiles.find(percent);
      csv.Known(found == operation.percentiles.end() ? -1 : found->second);
    }
    csv.Known(operation.max_ns).Number(operation.spike_count).Number(operation.dropped_marks).EndRow();
  }
  return std::move(csv).Take();
}

std::string Counters(const Recording& recording) {
  Csv csv("metric,unit,pid,tid,time_monotonic_ns,value");
  for (const RecordedCounter& counter : recording.counters) {
    for (const CounterSample& sample : counter.samples) {
      csv.Text(counter.metric).Text(counter.unit).Number(counter.pid).Number(counter.tid).Number(sample.time_ns).Number(sample.value);
      csv.EndRow();
    }
  }
  return std::move(csv).Take();
}

std::string Interrupts(const Recording& recording) {
  Csv csv("cpu,kind,name,count,self_ns");
  for (const RecordedInterrupts& source : recording.interrupts) {
    csv.Number(source.cpu).Text(source.kind).Text(source.name).Number(source.count).Number(source.self_ns).EndRow();
  }
  return std::move(csv).Take();
}

}  // namespace

const std::vector<CsvTable>& CsvTables() {
  static const std::vector<CsvTable> kTables = {{"about", About},           {"threads", Threads},   {"pieces", Pieces},
                                                {"spikes", Spikes},         {"causes", Causes},     {"switches", Switches},
                                                {"operations", Operations}, {"counters", Counters}, {"interrupts", Interrupts}};
  return kTables;
}

}  // namespace hftmon
