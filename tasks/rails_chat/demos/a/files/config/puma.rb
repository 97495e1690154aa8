# A thread waits for the whole model call, so a process gets more of them than Rails' default of three.
threads_count = ENV.fetch("RAILS_MAX_THREADS", 8).to_i
threads threads_count, threads_count

# Safe to raise: conversations are kept outside the process.
workers ENV.fetch("WEB_CONCURRENCY", 0).to_i

port ENV.fetch("PORT", 3000)
plugin :tmp_restart
pidfile ENV["PIDFILE"] if ENV["PIDFILE"]
