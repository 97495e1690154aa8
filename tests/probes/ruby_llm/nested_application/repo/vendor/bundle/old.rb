RubyLLM::Client.new
