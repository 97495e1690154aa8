class Letter
  def prompt(message)
    <<~PROMPT
      Answer with one <div> and <p> for each paragraph.
      #{message.content}
    PROMPT
  end
end
