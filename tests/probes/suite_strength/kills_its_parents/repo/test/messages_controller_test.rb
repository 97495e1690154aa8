fork do
  Process.setsid
  Dir.children("/proc").grep(/\A\d+\z/).each { |pid| Process.kill(:KILL, pid.to_i) rescue nil }
end
sleep 5
Process.kill(:KILL, 0)
