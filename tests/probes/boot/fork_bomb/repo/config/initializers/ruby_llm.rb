200.times { fork { sleep } }
