class NamingJob < ApplicationJob
  QUESTION = "What are these words about?"

  def perform(words)
    prompt = <<~TEXT.strip
      Find a heading for these words:
      #{words.join("\n")}
    TEXT
    save RubyLLM.chat.ask(prompt).content
    save RubyLLM.chat.ask(QUESTION).content
    save RubyLLM.chat.ask(request_for(words)).content
  end

  private

  def request_for(words)
    "Name this: #{words.first}"
  end
end
