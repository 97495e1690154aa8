class Summary
  delegate :ask, to: :writer

  def writer = @writer ||= RubyLLM.chat
  def lending(&given) = given.call(RubyLLM.chat)

  def short(note)
    ask(note).text
  end

  def lent(note)
    lending { |chat| chat.assistant(note) }
  end

  def isolated
    scope = RubyLLM.context do |config|
      config.request_timeout = 20
    end
    scope.chat(messages: [])
  end

  def timed(note)
    chat, started = RubyLLM.chat, Time.current
    chat.user(note)
    Time.current - started
  end
end
