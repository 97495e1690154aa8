class Ask
  def call(history, text)
    RubyLLM.chat.ask(prompt(history, text)).content
  end

  def prompt(history, text)
    transcript = history.map { |m| "#{m[:role]}: #{m[:content]}" }.join("\n")
    <<~PROMPT
      The conversation so far:
      #{transcript}
      user: #{text}
    PROMPT
  end
end
