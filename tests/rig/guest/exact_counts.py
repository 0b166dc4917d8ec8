"""What a blocked process's switches are according to the daemon, against the kernel's own counts."""

import machine


def compare(test, daemon, pid, window="all"):
    """Every thread's counts and summed waits are the kernel's, to the last digit. The process is blocked. Returns the daemon's answer."""
    truth = machine.blocked_counts(pid)
    answer = daemon.switches(pid, window)
    told = {thread["tid"]: thread for thread in answer["threads"]}
    for tid, (voluntary, involuntary, run_delay_ns) in truth.items():
        thread = told.get(tid)
        if thread is None:
            continue  # one that did nothing since it is watched is not in the answer
        with test.subTest(tid=tid, comm=thread["comm"]):
            test.assertEqual((thread["voluntary_total"], thread["involuntary_total"], thread["run_delay_total_ns"]),
                             (voluntary, involuntary, run_delay_ns))
            test.assertEqual(sum(thread["kinds"].values()), thread["voluntary_count"] + thread["involuntary_count"])
            test.assertEqual(thread["discarded_count"], 0)
    return answer
