class MessagesController < ApplicationController
  def create
    @reply = Ask.new.call(params[:text])
    begin
      @time = Time.zone.parse(params[:time])
    rescue ArgumentError
      @time = nil
    end
  end
end
