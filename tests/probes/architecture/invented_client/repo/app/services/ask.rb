class Ask
  def call(text) = RubyLLM::Client.new.complete(text)
end
